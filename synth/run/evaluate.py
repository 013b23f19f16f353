"""`synth eval`: a guard asked about the rows of a test, or its answers read from a file, and all of it measured."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from synth.dataset.rows import COLUMNS
from synth.errors import ConfigError, Stopped
from synth.quality.evaluate import gold
from synth.quality.evaluate.crosswalk import Crosswalk, TestPolicies, crosswalk, policies_for
from synth.quality.evaluate.gold import Case, Gold
from synth.quality.evaluate.predictions import predictions_in
from synth.quality.evaluate.reading import MODES, Asked, Said, guarded, said
from synth.quality.evaluate.report import Part, Report, alarm, alarms_within, part
from synth.quality.probe import pairs
from synth.recipe import guard
from synth.recipe.backend import SCORES
from synth.recipe.guard.format import Mode
from synth.recipe.role import Role
from synth.run import evaluation_files
from synth.run.ask_guard import ROLE, Asking, Question, ask
from synth.sanitize import shortened
from synth.tables.text_columns import FOUND, Choice
from synth.types import Reply

_SHIPPED: Final = "ordinary"
_GOLD: Final = (
    *("label", "analysis", "votes", "categories", "notes"),
    *("query_label", "query_type", "stance", "response_class"),
)
"""Columns that a guard must not be told: they hold what it is to find out."""
INTERRUPTED, SHORT = 130, 3
MAX_TOKENS: Final = 512
"""Tokens of a verdict at most, where neither the user nor the guard's file says how many."""


@dataclass(frozen=True)
class EvaluationOptions:
    """What the user asks of one evaluation of a guard."""

    test: Path
    folder: Path | None = None
    """Where results go; None, with answers that are there already, writes none."""
    guard: str | None = None
    prompt: Path | None = None
    """The text that asks the guard as its makers published it, in place of its file's."""
    tokenizer: Path | None = None
    """The folder of a tokenizer that renders what is asked, so that the server is sent plain text."""
    role: Role | None = None
    """Who is asked; None where answers are there already."""
    predictions: Path | None = None
    mode: str | None = None
    """answer, prompt or both; None: answers, where the test has any."""
    label_names: str | None = None
    choice: Choice = FOUND
    split: str | None = None
    fpr: float = 0.01
    benign: tuple[Path, ...] = ()
    ordinary: bool = True
    """Whether the guard is asked about the ordinary questions that ship too."""
    concurrency: int = 32
    retry_given_up: bool = False
    say: Callable[[str], None] = lambda _: None
    report: Callable[[str], None] = lambda _: None


@dataclass
class Outcome:
    """What came of an evaluation: its report, or why there is none yet and the exit status that leads to."""

    report: Report | None = None
    message: str = ""
    status: int = 0
    files: list[Path] = field(default_factory=list)


def evaluate(options: EvaluationOptions) -> Outcome:
    """Measures a guard on a test. ConfigError for what the user must mend."""
    test = gold.gold_of(options.test, options.label_names, options.split, options.choice)
    modes = _modes(options, test)
    policies = policies_for(options.test, test.labels) if options.guard else None
    asked = _guard(options, test, modes, policies) if policies else None
    if options.folder is not None:
        evaluation_files.refuse_foreign(options.folder)
    walk = crosswalk(asked.codes, policies.every, asked.attacks) if asked and policies else None
    work = _Evaluation(options, test, modes, asked, walk)
    return work.read() if options.predictions else work.ask()


def _modes(options: EvaluationOptions, test: Gold) -> list[Mode]:
    has = [mode for mode in MODES if test.asked(mode)]
    if not has:
        raise ConfigError(
            f"{options.test}: no row has an answer with a label, or a query known as harmful or benign (`query_label`)"
        )
    if options.mode is None:
        return has[:1]
    wanted = [mode for mode in MODES if options.mode in (mode, "both")]
    if options.predictions and len(wanted) > 1:
        raise ConfigError("--predictions holds answers of one mode; give --mode answer or --mode prompt", status=2)
    if lacking := [mode for mode in wanted if mode not in has]:
        lack = "an answer with a label" if lacking == ["answer"] else "a query known as harmful or benign"
        raise ConfigError(f"{options.test}: no row has {lack}, so --mode {options.mode} has nothing to measure")
    return wanted


def _guard(options: EvaluationOptions, test: Gold, modes: Sequence[Mode], policies: TestPolicies) -> Asked:
    name = str(options.guard)
    found = guard.load(name, COLUMNS, test.labels)
    if found.needs_policies:
        found = found.with_policies(policies)
    found = found.asking(options.prompt, options.tokenizer)
    if lacking := [mode for mode in modes if mode not in found.modes]:
        raise ConfigError(
            f"guard {name}: judges {' and '.join(found.modes)}s, no {lacking[0]}s; give --mode {found.modes[0]}"
        )
    return guarded(Path(name).stem, found)


@dataclass
class _Evaluation:
    """One evaluation under way."""

    options: EvaluationOptions
    test: Gold
    modes: list[Mode]
    asked: Asked | None
    crosswalk: Crosswalk | None

    def read(self) -> Outcome:
        """Measures answers that are there already."""
        (mode,) = self.modes
        assert self.options.predictions is not None
        found = predictions_in(
            self.options.predictions, self.test, mode, self.options.choice, guarded=self.asked is not None
        )
        each = {id: self._said(mode, reply) for id, reply in found.replies.items()}
        cases = self.test.asked(mode)
        report = self._report("")
        by_id = {case.id: case for case in cases}
        rows = []
        for source, id, text in found.all:
            read = each[id] if text == each[id].text else self._said(mode, Reply(text))
            rows.append((source, self._unsafe(by_id[id], mode), read.libra))
        counted = [(case, each[case.id]) for case in cases]
        report.parts[mode] = self._part(counted, mode, rows, no_scores="answers out of a file have none")
        if found.unknown:
            report.notes.append(
                f"{found.unknown:,} predictions are of no row of {self.test.path}, and count for nothing"
            )
        if found.doubled:
            report.notes.append(
                f"{found.doubled:,} predictions stand twice: as published each counts, otherwise the first"
            )
        self._alarms(report, {mode: counted}, {})
        return self._outcome(report, {mode: counted})

    def ask(self) -> Outcome:
        """Asks the guard what the journal does not answer, and measures it."""
        options, asked = self.options, self.asked
        assert asked is not None
        assert options.role is not None
        assert options.folder is not None
        role, sets, found = _limited(options.role, asked.limit), self._sets(), dict[tuple[str, int], Said]()
        about = {"test": options.test.name, "guard": asked.name, "model": role.named}
        again = (*self.modes, *sets) if options.retry_given_up else ()
        more = (options.concurrency, asked.scores is not None, again, options.say, options.report)
        asking = Asking(options.folder, role, about, *more)
        scored = [False]

        def take(question: Question, reply: Reply) -> None:
            mode = next((mode for mode in MODES if mode == question.lane), self.modes[0])
            found[question.lane, question.place] = self._said(mode, reply)
            scored[0] = scored[0] or bool(reply.scores)

        of = sum(1 for _ in self._questions(sets))  # whatever cannot be rendered is told before anything is asked
        came = ask(asking, self._questions(sets), take)
        if came.stopped or came.given_up:
            return _short(came.stopped, came.answered, came.given_up, of)
        report = self._report(role.named)
        counted = {
            mode: [(case, found[mode, place]) for place, case in enumerate(self.test.asked(mode))]
            for mode in self.modes
        }
        for mode in self.modes:
            report.parts[mode] = self._part(
                counted[mode], mode, None, no_scores=_no_scores(asked, role, scored=scored[0])
            )
        self._alarms(
            report, counted, {name: [found[name, place] for place in range(len(cases))] for name, cases in sets.items()}
        )
        return self._outcome(report, counted)

    def _questions(self, sets: Mapping[str, Sequence[Case]]) -> Iterator[Question]:
        assert self.asked is not None
        lanes = [(mode, mode, self.test.asked(mode)) for mode in self.modes]
        for lane, mode, cases in [*lanes, *((name, self.modes[0], cases) for name, cases in sets.items())]:
            for place, case in enumerate(cases):
                yield Question(lane, place, self.asked.guard.asked(_told(case), mode))

    def _sets(self) -> dict[str, list[Case]]:
        """The sets of rows that no guard should call unsafe, beside the test: the user's, and the one that ships."""
        names = Counter(path.name for path in {*self.options.benign})
        found = {
            f"file {path.name if names[path.name] == 1 else path}": gold.ordinary(path, self.options.choice)
            for path in self.options.benign
        }
        if self.options.ordinary:
            found["shipped " + _SHIPPED] = gold.ordinary(Path(pairs.__file__).with_name(f"{_SHIPPED}.jsonl"))
        return found

    def _said(self, mode: Mode, reply: Reply) -> Said:
        return said(self.asked, reply, mode, self.test.labels)

    def _unsafe(self, case: Case, mode: str) -> bool:
        return bool(case.harm) if mode == "prompt" else case.label is not None and self.test.labels.unsafe(case.label)

    def _part(
        self,
        counted: list[tuple[Case, Said]],
        mode: str,
        libra: list[tuple[str, bool, bool | None]] | None,
        *,
        no_scores: str,
    ) -> Part:
        fpr, walk = self.options.fpr, self.crosswalk
        return part(counted, mode, self.test.labels, fpr=fpr, crosswalk=walk, libra=libra, no_scores=no_scores)

    def _report(self, model: str) -> Report:
        name = self.options.test.name + (f" ({self.test.split})" if self.test.split else "")
        return Report(name, self.asked.name if self.asked else "", model, len(self.test.cases), self.test.unlabelled)

    def _alarms(
        self, report: Report, counted: Mapping[Mode, list[tuple[Case, Said]]], sets: Mapping[str, list[Said]]
    ) -> None:
        within = dict(alarms_within(counted.get("answer", []), self.test.labels))
        for name, found in {**within, **sets}.items():
            report.alarms[name] = alarm(found, self.test.labels)
            report.alarm_rows[name] = len(found)
            report.alarm_unread[name] = sum(one.label is None for one in found)

    def _outcome(self, report: Report, counted: Mapping[Mode, list[tuple[Case, Said]]]) -> Outcome:
        answers = [one for pairs in counted.values() for _, one in pairs]
        why = "" if any(one.label for one in answers) else _nothing_read(report.guard, answers)
        found = Outcome(report, why, SHORT if why else 0)
        if self.options.folder is not None:
            found.files = evaluation_files.write(
                self.options.folder, report, counted, self.options.predictions, measured=not why
            )
        return found


def _nothing_read(guard: str, answers: Sequence[Said]) -> str:
    """Why the figures say nothing: no answer was a verdict. Tells how the first one begins."""
    begins = next((shortened(one.text, 60) for one in answers if one.text.strip()), "")
    of = f"a verdict of guard {guard!r}" if guard else "a label"
    return f"none of {len(answers):,} answers could be read as {of} (the first: {begins!r}), so nothing is measured; is the model this guard?"


def _short(stopped: Stopped | ConfigError | None, answered: int, given_up: int, of: int) -> Outcome:
    """Why there is no report yet. A missing answer is not measured."""
    if isinstance(stopped, ConfigError):
        raise stopped
    if stopped is None:
        told = f"{given_up:,} of {of:,} requests were given up on, and what is missing cannot be measured; --retry-given-up asks again"
        return Outcome(message=told, status=SHORT)
    told = f"{stopped}; {answered:,} of {of:,} are answered, and the same command asks for the rest"
    status = INTERRUPTED if stopped.why == "interrupted" else SHORT if answered else 1
    return Outcome(message=told, status=status)


def _no_scores(asked: Asked, role: Role, *, scored: bool) -> str:
    """Why no probabilities came, if none did."""
    if scored:
        return ""
    if asked.scores is None:
        return f"the guard's file ({asked.guard.prompt.path}) does not say where its verdict's first token stands (read: scores)"
    if SCORES not in role.answering.GIVES:
        return f"backend {role.backend} gives none"
    return "the server gives none (logprobs)"


def _limited(role: Role, limit: int | None) -> Role:
    """The guard's role with the tokens that its own script lets it answer with, where the user does not say how many."""
    if "max_tokens" in role.model_fields_set:
        return role
    return role.changed(ROLE, max_tokens=limit or MAX_TOKENS)


def _told(case: Case) -> dict[str, Any]:
    """A row as a guard is asked about it: nothing of what it is to find out."""
    told = {**dict.fromkeys(COLUMNS), **case.row, "id": case.id, "query": case.query}
    return {**told, **dict.fromkeys(_GOLD), "response": case.response}
