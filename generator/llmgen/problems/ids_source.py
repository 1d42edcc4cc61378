"""LLM0xx: a file cannot be read as the strict YAML that every later step relies on."""

from __future__ import annotations

from llmgen.problems.ids import Kind

KINDS = (
    Kind(
        id="LLM001",
        name="file-missing",
        title="The file does not exist",
        explanation="No file has the path that was given.",
        fix="Check the path and the folder the command runs in; `llmgen init` writes a starter spec.",
    ),
    Kind(
        id="LLM002",
        name="file-is-directory",
        title="The path is a directory",
        explanation="A spec is one file; the path that was given is a directory.",
        fix="Name the file inside it, usually `spec.yaml`.",
    ),
    Kind(
        id="LLM003",
        name="file-unreadable",
        title="The file cannot be read",
        explanation=(
            "The operating system refused to open or read the file, or it is a device or a pipe without an end."
        ),
        fix="Check the permissions of the file and of the folders above it.",
    ),
    Kind(
        id="LLM004",
        name="file-empty",
        title="The file holds no data",
        explanation="The file is empty, or holds only comments and blank lines.",
        fix="Write the document into it; `llmgen init` shows a complete one.",
    ),
    Kind(
        id="LLM005",
        name="file-too-large",
        title="The file is too large",
        explanation=("A file above 10 MB is not a spec that a person reviewed, so it is refused before it is parsed."),
        fix="Check that the path names the right file; split one platform from another.",
    ),
    Kind(
        id="LLM006",
        name="not-utf-8",
        title="The file is not UTF-8 text",
        explanation=(
            "YAML that Helm and Kubernetes read is UTF-8. Other encodings turn into other letters without a word."
        ),
        fix="Save the file as UTF-8.",
    ),
    Kind(
        id="LLM007",
        name="byte-order-mark",
        title="The file starts with a byte order mark",
        explanation=(
            "Some editors put three invisible bytes (EF BB BF) at the start. Tools differ in whether they become "
            "part of the first key."
        ),
        fix="Save the file as UTF-8 without a byte order mark.",
    ),
    Kind(
        id="LLM008",
        name="control-character",
        title="The file holds a character that YAML forbids",
        explanation=(
            "NUL and other control characters are not allowed in YAML, not even in quotes. They mostly come from "
            "a broken copy or from a binary file."
        ),
        fix='Remove it, or write it as an escape inside double quotes, for example "\\u0007".',
    ),
    Kind(
        id="LLM009",
        name="several-documents",
        title="The file holds more than one document",
        explanation=("A line `---` starts a second document. Only one is read, so the rest would be ignored silently."),
        fix="Remove the line `---`, or move the second document into a file of its own.",
    ),
    Kind(
        id="LLM010",
        name="tab-indentation",
        title="A line is indented with a tab",
        explanation="YAML forbids tabs in indentation, because their width is a matter of taste.",
        fix="Replace each tab by two spaces, and let the editor insert spaces.",
    ),
    Kind(
        id="LLM011",
        name="wrong-indentation",
        title="A line is indented to a level that does not exist",
        explanation=(
            "Keys of one map, and items of one list, start in the same column. A line between two levels belongs "
            "to neither."
        ),
        fix="Line it up with the lines it belongs to.",
    ),
    Kind(
        id="LLM012",
        name="yaml-syntax",
        title="The text is not valid YAML",
        explanation=(
            "The parser cannot tell what is a key, a value or a list item here. Most often a value with a special "
            "character needs quotes, or a colon or the space after it is missing."
        ),
        fix=("Write `key: value`, one per line, and put text with : # @ ` % * & ! | > [ ] { } in double quotes."),
    ),
    Kind(
        id="LLM013",
        name="never-closed",
        title="A quote or bracket is never closed",
        explanation=(
            "A quote or bracket opens here and the parser ran on to a place where it makes no sense any more."
        ),
        fix="Close it on the same line.",
    ),
    Kind(
        id="LLM014",
        name="too-deep",
        title="The document is nested too deeply",
        explanation=(
            "No contract here is nested deeper than a dozen levels; a document far deeper than that is a mistake "
            "or an attack on the parser."
        ),
        fix="Remove the surplus levels.",
    ),
    Kind(
        id="LLM015",
        name="not-a-map",
        title="The document is not a map of keys",
        explanation=(
            "The top level of the file must be keys with values. A list or a lone text often means that a colon, "
            "or the space after it, is missing."
        ),
        fix="Write `key: value` at the start of a line.",
    ),
    Kind(
        id="LLM020",
        name="duplicate-key",
        title="A key occurs twice in one map",
        explanation=("Most YAML readers silently keep the last of two equal keys, so the first would have no effect."),
        fix="Remove one of the two, or merge their contents.",
    ),
    Kind(
        id="LLM021",
        name="key-not-text",
        title="A key is not text",
        explanation=(
            "Numbers, dates, true, false, null, lists, maps and aliases as keys are read differently by different "
            "tools. In Helm and Kubernetes every key is text."
        ),
        fix="Put the key in double quotes.",
    ),
    Kind(
        id="LLM022",
        name="boolean-word-key",
        title="A key that some readers take for true or false",
        explanation=(
            "The words y, n, yes, no, on and off without quotes are true or false in YAML 1.1, which Helm "
            "follows: the key `on` becomes the key `true`."
        ),
        fix="Put the key in double quotes.",
    ),
    Kind(
        id="LLM023",
        name="boolean-word",
        title="A word that some readers take for true or false",
        explanation=(
            "The words y, n, yes, no, on and off, and other spellings of true and false, are booleans to some "
            "YAML readers and text to others. Helm is among the first."
        ),
        fix="Write true or false, or put the word in double quotes if the text is meant.",
    ),
    Kind(
        id="LLM024",
        name="null-word",
        title="An unusual spelling of null",
        explanation="`~`, Null and NULL without quotes mean null. It is easily taken for text.",
        fix="Write null, or put the word in double quotes if the text is meant.",
    ),
    Kind(
        id="LLM025",
        name="odd-integer",
        title="A whole number in a spelling that tools read differently",
        explanation=(
            "Underscores, leading zeros, a plus sign, 0x, 0o and 0b, and digits with colons such as 12:30 are "
            "whole numbers to some YAML readers, text to others, and 010 is 8 to some and 10 to others."
        ),
        fix="Write plain decimal digits, or put it in double quotes if the text is meant.",
    ),
    Kind(
        id="LLM026",
        name="odd-float",
        title="A number in a spelling that tools read differently",
        explanation=(
            "Exponents such as 1e3 (a git revision can look like that), .5, 5., .inf and .nan are numbers to some "
            "YAML readers and text to others."
        ),
        fix="Write plain digits such as 0.5, or put it in double quotes if the text is meant.",
    ),
    Kind(
        id="LLM027",
        name="unquoted-date",
        title="A date without quotes",
        explanation=(
            "Text that looks like a date becomes a date value in some YAML readers and is then written out in "
            "another form."
        ),
        fix="Put it in double quotes.",
    ),
    Kind(
        id="LLM028",
        name="integer-too-large",
        title="A whole number too large to be kept exactly",
        explanation=(
            "Helm and many JSON readers keep numbers as 64-bit floats, which lose digits from 2^53 "
            "(9007199254740992) on."
        ),
        fix="Put it in double quotes if it is an identifier.",
    ),
    Kind(
        id="LLM030",
        name="merge-key",
        title="A YAML merge key",
        explanation=(
            "`<<` copies one map into another in YAML 1.1 and is plain text in YAML 1.2. What a reviewer sees is "
            "then not what is in effect."
        ),
        fix="Write the keys out; differences between environments belong under `environments`.",
    ),
    Kind(
        id="LLM031",
        name="recursive-alias",
        title="An alias inside the value it stands for",
        explanation="The value would contain itself without end.",
        fix="Write the inner value out.",
    ),
    Kind(
        id="LLM032",
        name="alias-expansion",
        title="Aliases expand to too much data",
        explanation=(
            "Aliases of aliases multiply: a few lines can stand for gigabytes. The document is refused before it "
            "is expanded."
        ),
        fix="Write the values out instead of nesting aliases.",
    ),
    Kind(
        id="LLM033",
        name="yaml-tag",
        title="A YAML tag",
        explanation=(
            "Tags such as !!python/object or !secret change what a value is, each tool in its own way. None is "
            "supported."
        ),
        fix=("Remove the tag; put the value in double quotes if it is text that starts with an exclamation mark."),
    ),
    Kind(
        id="LLM034",
        name="unknown-alias",
        title="An alias without an anchor",
        explanation="`*name` stands for the value marked `&name` earlier in the file, and there is none.",
        fix="Put the value in double quotes if it is text that starts with an asterisk.",
    ),
)
