"""Texts, names and keys that vary with the seed, so that no tailer can know the suite by them."""

from __future__ import annotations

import random
import string

SHORTEST, LONGEST = 5, 9
"""Letters of a word: long enough to be unlike any other by chance, short enough to read."""

LARGEST_KEY = 997


class Words:
    """Gives words that are all different, and never one within another, from `seed`."""

    def __init__(self, seed: str) -> None:
        self.random = random.Random(seed)
        self._given: list[str] = []

    def word(self) -> str:
        """A new word of lower-case letters."""
        while True:
            length = self.random.randint(SHORTEST, LONGEST)
            word = "".join(self.random.choices(string.ascii_lowercase, k=length))
            if not any(word in other or other in word for other in self._given):
                self._given.append(word)
                return word

    def text(self, words: int = 3) -> str:
        """A line's text of some new words."""
        return " ".join(self.word() for _ in range(words))

    def lines(self, count: int) -> list[str]:
        """`count` different lines, numbered, without their line ends."""
        word = self.word()
        return [f"{word} {number}" for number in range(count)]

    def keys(self, count: int) -> list[int]:
        """`count` different keys in no order, none of them the place it stands at."""
        while True:
            keys = self.random.sample(range(LARGEST_KEY), count)
            if all(key != place for place, key in enumerate(keys)):
                return keys
