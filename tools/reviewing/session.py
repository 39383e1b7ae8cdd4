"""A person goes through the queue in the terminal."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from actions.review_queue import Entry, ReviewQueue
from tools.reviewing.training_files import TrainingFiles

HELP = """\
  <number or name>   label: the texts become examples of that intent (the beginning of a name is enough, Tab completes)
  r <message>        write a message anew, as in "r 2"
  x <messages>       split messages off into a group of their own, as in "x 2 3"
  d [messages]       discard the group, or some of it: they leave the queue
  s, or just Enter   skip: they stay in the queue
  l                  list the intents with their numbers
  q                  quit; what was done stays done"""


class Session:
    """One sitting.

    Args:
        queue: The queue.
        files: The training files.
        groups: Groups of similar messages.
        ask: Asks for a line; raises ``EOFError`` at the end of the input.
        tell: Prints a line.
    """

    def __init__(
        self,
        queue: ReviewQueue,
        files: TrainingFiles,
        groups: Sequence[Sequence[Entry]],
        ask: Callable[[str], str] = input,
        tell: Callable[[str], None] = print,
    ) -> None:
        self._queue = queue
        self._files = files
        self._groups = deque(list(group) for group in groups)
        self._ask = ask
        self._tell = tell
        self.added: list[Path] = []
        self.discarded = 0

    def run(self) -> None:
        """Go through all groups."""
        count = sum(len(group) for group in self._groups)
        self._tell(f"{count} messages in {len(self._groups)} groups. ? shows what can be done.")
        with suppress(EOFError, KeyboardInterrupt):
            number = 0
            while self._groups:
                number += 1
                group = self._groups.popleft()
                if not self._one(group, number, number + len(self._groups)):
                    break
        changed = sorted({str(file) for file in self.added})
        self._tell(f"\n{len(self.added)} examples added, {self.discarded} messages discarded.")
        if changed:
            self._tell("Look at them with git diff, then train anew:\n  " + "\n  ".join(changed))

    def _one(self, group: list[Entry], number: int, of: int) -> bool:
        """Deal with one group; ``False`` to quit."""
        self._show(group, number, of)
        while group:
            line = self._ask("label, or r x d s l q ? > ").strip()
            command, _, rest = line.partition(" ")
            if command == "q":
                return False
            if command in ("", "s"):
                return True
            if command == "?":
                self._tell(HELP)
            elif command == "l":
                self._list()
            elif command in ("d", "x", "r") and (chosen := self._chosen(group, rest, command)):
                group = self._do(command, group, chosen)
                if group:
                    self._show(group, number, of)
            elif command not in ("d", "x", "r") and (intent := self.intent(line)):
                for entry in group:
                    self._label(entry, intent)
                return True
            else:
                self._tell("I do not know that. ? shows what can be done, l the intents.")
        return True

    def _do(self, command: str, group: list[Entry], chosen: list[Entry]) -> list[Entry]:
        """Discard, split off or write anew; returns what is left of the group."""
        if command == "r":
            return [self._rewritten(entry) if entry in chosen else entry for entry in group]
        if command == "d":
            self._queue.remove([entry.id for entry in chosen])
            self.discarded += len(chosen)
        else:
            self._groups.appendleft(chosen)
        return [entry for entry in group if entry not in chosen]

    def _rewritten(self, entry: Entry) -> Entry:
        text = self._ask(f"instead of “{entry.text}” > ").strip()
        return replace(entry, text=text) if text else entry

    def _chosen(self, group: list[Entry], rest: str, command: str) -> list[Entry]:
        numbers = rest.replace(",", " ").split()
        if not numbers:
            return list(group) if command == "d" else []
        good = [int(item) for item in numbers if item.isdigit() and 1 <= int(item) <= len(group)]
        return [group[item - 1] for item in dict.fromkeys(good)] if len(good) == len(numbers) else []

    def _label(self, entry: Entry, intent: str) -> None:
        """Make a message an example, or leave it in the queue."""
        text = entry.text
        while True:
            if self._files.known_as(text) == intent:
                self._tell(f"“{text}” is an example of {intent} already; nothing to add.")
                self._queue.remove([entry.id])
                return
            problems = self._files.problems(text)
            if not problems:
                break
            self._tell(f"“{text}”: " + "; ".join(problems))
            text = self._ask("write it anew (Enter: leave it in the queue, d: discard) > ").strip()
            if text == "d":
                self._queue.remove([entry.id])
                self.discarded += 1
                return
            if not text:
                return
        try:
            file = self._files.add(text, intent, entry.language)
        except ValueError as problem:
            self._tell(f"“{text}” was not added: {problem}")
            return
        self.added.append(file)
        self._queue.remove([entry.id])
        self._tell(f"+ {intent}: {text}")

    def intent(self, text: str) -> str | None:
        """The intent meant by a number of the list, a name, or the only name that begins so."""
        names = self._files.intents
        if text.isdigit():
            return names[int(text) - 1] if 1 <= int(text) <= len(names) else None
        if text in names:
            return text
        begun = [name for name in names if name.startswith(text)]
        return begun[0] if len(begun) == 1 else None

    def complete(self, text: str, state: int) -> str | None:
        """For readline: the names that begin so."""
        found = [name for name in self._files.intents if name.startswith(text)]
        return found[state] if state < len(found) else None

    def _show(self, group: list[Entry], number: int, of: int) -> None:
        self._tell(f"\nGroup {number} of {of}")
        for place, entry in enumerate(group, 1):
            self._tell(f"  {place}  {entry.text}")
            parts = [entry.language, entry.reason.replace("_", " ")]
            if entry.asking:
                parts.append(f"asked for {entry.asking}")
            if entry.chosen:
                parts.append(f"the person chose: {entry.chosen}")
            guesses = "  ".join(f"{self._number(name)} {name} {confidence:.2f}" for name, confidence in entry.guesses)
            self._tell(f"     {', '.join(parts)} | {guesses}")

    def _number(self, name: str) -> str:
        return str(self._files.intents.index(name) + 1) if name in self._files.intents else "-"

    def _list(self) -> None:
        names = [f"{number:3} {name}" for number, name in enumerate(self._files.intents, 1)]
        rows = -(-len(names) // 3)
        for row in range(rows):
            self._tell("".join(name.ljust(30) for name in names[row::rows]).rstrip())
