import io.github.blip2java.demo.DemoModel;
import io.github.blip2java.pipeline.Blip2Pipeline;
import io.github.blip2java.processor.ImageReader;
import java.io.IOException;
import java.nio.file.Path;

public final class Captions {
    public static void main(String[] pictures) throws IOException {
        try (Blip2Pipeline blip2 = Blip2Pipeline.load(DemoModel.checkpoint())) {
            for (String picture : pictures) {
                System.out.println(blip2.caption(ImageReader.read(Path.of(picture))).text());
            }
        }
    }
}
