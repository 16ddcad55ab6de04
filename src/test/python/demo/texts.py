# SPDX-License-Identifier: Apache-2.0
"""What is said about a drawing: captions, and questions with their answers."""

COLOURS = ("what colour is it?", "what color is it?", "which colour does it have?")
KINDS = ("what kind of thing is this?", "what category is this?", "what type of thing is it?")
NAMES = ("what is this?", "what is in the picture?", "what do you see?", "what is shown here?")
SHOWN = ("a photo of {}", "a picture of {}", "a drawing of {}", "this is {}", "there is {} in the picture")
FORMS = ("Question: {} Short answer:", "Question: {} Answer:")


def article(phrase):
    return ("an " if phrase[0] in "aeiou" else "a ") + phrase


def caption(concept):
    """For example "a red apple"; what is a pair or a bunch already says so itself."""
    name, colour = concept["name"], concept["colour"]
    coloured = colour and " of " not in name and not name.startswith(colour)
    return article(f"{colour} {name}" if coloured else name)


def titles(concept):
    """The ways to ask for a thing among pictures, the caption first."""
    first, name = caption(concept), concept["name"]
    return [first, article(name), name, "the " + name] + [form.format(first) for form in SHOWN]


def groups(concepts):
    """Texts that are true of many things, as ways to say it and the concepts that it is true of: each kind, and each colour."""
    kinds, colours = {}, {}
    for label, concept in enumerate(concepts):
        kinds.setdefault(concept["category"], []).append(label)
        if concept["colour"]:
            colours.setdefault(concept["colour"], []).append(label)
    return (
        [((kind, article(kind), "a picture of " + article(kind)), labels) for kind, labels in kinds.items()],
        [((colour, "something " + colour, f"a {colour} thing"), labels) for colour, labels in colours.items()],
    )


def questions(concept):
    """All pairs of question and answer."""
    pairs = [(question, article(concept["name"])) for question in NAMES]
    pairs += [(question, concept["category"]) for question in KINDS]
    if concept["colour"]:
        pairs += [(question, concept["colour"]) for question in COLOURS]
    return pairs


def everything(concepts):
    """All text that the model must be able to write or read, for the tokenizer."""
    for concept in concepts:
        yield caption(concept) + "\n"
        yield "a photo of " + caption(concept)
        yield "a picture of " + caption(concept)
        for question, answer in questions(concept):
            for form in FORMS:
                yield form.format(question) + " " + answer + "\n"
