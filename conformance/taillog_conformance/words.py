"""Texts, names and keys that vary with the seed, so that no tailer can know the suite by them."""

from __future__ import annotations

import random
import string

SHORTEST, LONGEST = 5, 9
"""Letters of a word: long enough to be unlike any other by chance, short enough to read."""

LARGEST_KEY = 997

INNER = string.ascii_lowercase * 3 + string.ascii_uppercase + string.digits + "-_"
"""What a word holds between its ends: now and then no lower-case letter, so that its kind tells nothing either."""

ENDINGS = (".log", ".log", ".txt", ".out", ".err", ".LOG", ".0", "")
"""How names of files end, the commonest the most often."""


class Words:
    """Gives words that are all different, and never one within another, from `seed`."""

    def __init__(self, seed: str) -> None:
        self.random = random.Random(seed)
        self._given: set[str] = set()
        self._all = ""
        """All words given so far, in one text."""

    def word(self) -> str:
        """A new word: letters at its ends, and between them letters, digits, hyphens or underscores."""
        while True:
            length = self.random.randint(SHORTEST, LONGEST)
            first, last = self.random.choices(string.ascii_letters, k=2)
            word = first + "".join(self.random.choices(INNER, k=length - 2)) + last
            parts = {word[at:end] for at in range(length) for end in range(at + SHORTEST, length + 1)}
            if word not in self._all and self._given.isdisjoint(parts):
                self._given.add(word)
                self._all += f"{word}\n"
                return word

    def file_name(self) -> str:
        """A name for a file, which is a new word with one of the usual endings."""
        return self.word() + self.random.choice(ENDINGS)

    def text(self, words: int = 3) -> str:
        """A line's text of some new words."""
        return " ".join(self.word() for _ in range(words))

    def lines(self, count: int) -> list[str]:
        """`count` different lines, numbered, without their line ends; none is the beginning of another."""
        word, width = self.word(), len(str(count))
        return [f"{word} {number:0{width}}" for number in range(count)]

    def of_size(self, size: int) -> str:
        """Different lines of `size` characters in all, with their line ends; the last one is filled up."""
        lines, _, _ = "\n".join(self.lines(1 + size // SHORTEST))[: size - 1].rpartition("\n")
        return f"{lines:x<{size - 1}}\n"

    def keys(self, count: int) -> list[int]:
        """`count` different keys that do not ascend, none of them the place it stands at."""
        while True:
            keys = self.random.sample(range(LARGEST_KEY), count)
            if (count < 2 or keys != sorted(keys)) and all(key != place for place, key in enumerate(keys)):
                return keys
