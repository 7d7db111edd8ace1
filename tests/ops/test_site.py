"""The documents build as a site with both programs that read mkdocs.yml, without a dead link."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"


@pytest.mark.parametrize("program", [["mkdocs", "build", "--strict", "--quiet"], ["zensical", "build"]])
def test_the_site_builds(tmp_path, program):
    """In a copy: neither writes into the repository."""
    shutil.copytree(DOCS, tmp_path / "docs")
    shutil.copy(ROOT / "mkdocs.yml", tmp_path)
    command = [str(Path(sys.executable).with_name(program[0])), *program[1:]]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert (tmp_path / "build/site/quickstart/index.html").is_file()


def test_every_document_is_in_the_navigation():
    """Once; and nothing is there that does not exist."""
    text = (ROOT / "mkdocs.yml").read_text()
    named = re.findall(r": (\S+\.md)$", text, re.MULTILINE)
    assert sorted(named) == sorted(path.name for path in DOCS.glob("*.md"))


def test_every_picture_is_described():
    """Whoever cannot see it reads what is to be seen."""
    for path in [*DOCS.glob("*.md"), ROOT / "README.md"]:
        for text, target in re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", path.read_text()):
            assert len(text) > 20, (path.name, target)
            assert (path.parent / target).is_file()


def test_the_site_loads_nothing_from_elsewhere():
    """Fonts come from the reader's machine."""
    assert yaml.safe_load((ROOT / "mkdocs.yml").read_text())["theme"]["font"] is False
