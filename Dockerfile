# An image with the program: docker build -t blip2 . && docker run --rm -v "$PWD:/pictures:ro" blip2 caption /pictures/cat.png
FROM maven:3.9-eclipse-temurin-25 AS build
WORKDIR /source
COPY . .
RUN mvn -B -q -P release package -pl blip2-cli -am -Dgpg.skip -Dmaven.test.skip=true -Dmaven.javadoc.skip=true \
      -Dspotless.check.skip=true \
    && mkdir /blip2 \
    && tar -xzf blip2-cli/target/blip2-cli-*.tar.gz -C /blip2 --strip-components=1

FROM eclipse-temurin:25-jre
COPY --from=build /blip2 /opt/blip2
# The second start makes an archive of Java's classes, so that those of a container start sooner.
RUN export HOME=$(mktemp -d) && /opt/blip2/bin/blip2 --version && /opt/blip2/bin/blip2 --version && rm -r "$HOME"
# A user of its own, with a folder for models and unpacked libraries that can be kept: docker run -v blip2:/home/blip2 …
RUN useradd --create-home blip2
USER blip2
WORKDIR /home/blip2
ENTRYPOINT ["/opt/blip2/bin/blip2"]
CMD ["--help"]
