"""A newcomer types every command of every document, block by block, in a fresh clone.

``EVERY_COMMAND=1 pytest -rs tests/documents/test_every_command.py`` takes about an hour; ``-k quickstart`` one page.
With ``EVERY_SERVICE=1`` beside it README, commands.md and Quickstart are typed in the image too, which needs root,
buildah and debootstrap. A command that is not run is shown as skipped, with the reason.
"""

import os
import re

import pytest

from tests.containers import built_image
from tests.documents.newcomer import Newcomer, written_study, written_variant
from tests.documents.printed import DOCUMENTS, ROOT, blocks, program_of
from tests.documents.rules import RESEARCH, NotRun, rule_of
from tests.documents.shells import ImageShell

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(5400),
    pytest.mark.skipif(not os.environ.get("EVERY_COMMAND"), reason="takes an hour; EVERY_COMMAND=1 runs it"),
]
TYPED = {
    document.name: [block for block in blocks() if block.document == document and block.commands]
    for document in DOCUMENTS
}


# What the words of a document take for granted.
BEFORE = {
    "commands.md": "cp user_data/config-private.example.json user_data/config-private.json",
    "going-live.md": "MM_PRIVATE_KEY=0x… mm init --yes --live --size 40 --bound 1 --account 0x…",
    "control.md": "mm init --yes",
    "monitoring.md": "mm dashboard",
    "guard.md": "cp user_data/config-private.example.json user_data/config-private.json",
}


IN_THE_IMAGE = ("README.md", "commands.md", "quickstart.md")


@pytest.mark.parametrize("name", [name for name, typed in TYPED.items() if typed])
def test_every_command_of_a_document_does_what_it_is_printed_for(name, tmp_path, subtests):
    """In order; services of a block run beside its later lines, and end by Ctrl-C."""
    with Newcomer(tmp_path) as newcomer:
        if name == "adding-a-variant.md":
            text = TYPED[name][0].document.read_text()
            (newcomer.clone / "user_data" / "strategies" / "FixedSpread.py").write_text(written_variant(text))
        type_all(name, newcomer, subtests)


@pytest.fixture(scope="module")
def shell():
    """A shell of the image, built from this checkout."""
    with built_image.built() as image:
        yield ImageShell(*image)


@pytest.mark.skipif(not os.environ.get("EVERY_SERVICE"), reason="builds an image; EVERY_SERVICE=1 runs it")
@pytest.mark.skipif(bool(built_image.missing_tools()), reason=built_image.missing_tools())
@pytest.mark.parametrize("name", IN_THE_IMAGE)
def test_every_command_does_so_in_the_image(name, shell, tmp_path, subtests):
    """As the image's plain user, on a root that cannot be written; what the image does not have is said."""
    with Newcomer(tmp_path, shell) as newcomer:
        type_all(name, newcomer, subtests, shell.programs)


def type_all(name, newcomer, subtests, programs=None):
    """Type every block of a document, as far as there are programs for it."""
    if name in ("commands.md", "study.md"):
        shown = (ROOT / "docs" / "study.md").read_text()
        (newcomer.clone / "study.yaml").write_text(written_study(shown))
    if name in BEFORE:
        newcomer.type(BEFORE[name], rule_of(BEFORE[name]))
    for block in TYPED[name]:
        for command in block.commands:
            with subtests.test(command):
                rule = rule_of(command)
                if isinstance(rule, NotRun):
                    pytest.skip(rule.reason)
                if programs is not None and program_of(command) not in programs:
                    pytest.skip(f"{program_of(command)} is no program of the image")
                if programs is not None and re.fullmatch(RESEARCH, command):
                    pytest.skip("needs the extra `replay`, which the image has not: it trades, research runs beside it")
                newcomer.type(command, rule)
        with subtests.test(f"Ctrl-C after {block.name}"):
            newcomer.end_services()
