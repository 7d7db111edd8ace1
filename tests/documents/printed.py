"""What the documents print in code blocks: which lines are commands, and which block is none."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "commands.md", *sorted((ROOT / "docs").glob("*.md"))]
PROGRAMS = ("mm", "freqtrade", "make", "docker", "pip", "cp", "curl", "prometheus", "python", "pytest", ".")
_BLOCK = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
_VARIABLE = re.compile(r"[A-Z_]+=\S+")


@dataclass(frozen=True)
class Block:
    """A code block."""

    document: Path
    language: str
    lines: tuple[str, ...]

    @property
    def name(self) -> str:
        """Document and first line."""
        return f"{self.document.name}: {self.lines[0][:60]}"

    @property
    def commands(self) -> tuple[str, ...]:
        """The lines to be typed, without comments; empty if the block shows something else."""
        typed = [line.split("  #")[0].strip() for line in self.lines if not line.startswith("#")]
        return () if self.language or not all(map(program_of, typed)) else tuple(typed)


def program_of(line: str) -> str:
    """The program that a line starts; empty if none is known."""
    words = line.split()
    while words and _VARIABLE.fullmatch(words[0]):
        del words[0]
    return words[0] if words and words[0] in PROGRAMS else ""


def blocks() -> list[Block]:
    """Every code block of every document, in order."""
    found = []
    for document in DOCUMENTS:
        for language, text in _BLOCK.findall(document.read_text()):
            lines = tuple(line.strip() for line in text.splitlines() if line.strip())
            found.append(Block(document, language, lines))
    return found


def commands() -> list[str]:
    """Every command of every document, once."""
    return sorted({command for block in blocks() for command in block.commands})
