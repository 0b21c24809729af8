"""Who answers: a person at the terminal, a file, or nobody (the usual answers)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from controller.config.problems import ConfigError, Problem, did_you_mean
from controller.config.yaml_loader import load, parse
from controller.wizard.draft import bench, wrong
from controller.wizard.offers import Offer
from controller.wizard.page import written
from controller.wizard.questions import Question, script

Answer = Callable[[Question, Sequence[Problem]], Any]
"""(question, what was wrong with the last answer to it) -> the answer."""


def interview(answer: Answer, ports: Sequence[Offer], file: str, name: str) -> str:
    """Ask everything, each answer checked before the next question; return the text of the bench file.

    Args:
        ports: that were found on this machine.
        file: as messages call it.
        name: offered for the bench.
    """
    answers: dict[str, Any] = {}
    for question in script(answers, ports, name):
        problems: Sequence[Problem] = ()
        while True:
            answers[question.key] = answer(question, problems)
            problems = wrong(answers, ports, file)
            if not problems:
                break
    return written(bench(answers))


def usual(question: Question, problems: Sequence[Problem]) -> Any:
    """Nobody is asked.

    Raises:
        ConfigError: the usual answers do not fit together here.
    """
    if problems:
        raise ConfigError(problems)
    return question.default


class AnswersFile:
    """Answers from a file: ``key: answer`` for whatever is not as usual."""

    def __init__(self, path: Path) -> None:
        """Raises ConfigError: it cannot be read."""
        self._document = load(path)
        self._asked: list[str] = []

    def __call__(self, question: Question, problems: Sequence[Problem]) -> Any:
        """Raises ConfigError: the answer does not do; with the line of the file."""
        key, given = question.key, self._document.data
        if problems:
            raise ConfigError(
                self._document.problem((key,), problem.message if problem.path == key else _said(problem), problem.hint)
                for problem in problems
            )
        self._asked.append(key)
        if key in given:
            if question.kind == "word" and not isinstance(given[key], str):
                raise ConfigError([self._document.problem((key,), "is no text", "quote it")])
            return given[key]
        if question.must:
            raise ConfigError(
                [self._document.problem((key,), "missing: a real port is named by you alone", question.why)]
            )
        return question.default

    def spent(self) -> None:
        """Raises ConfigError for answers that nothing asked for."""
        left = [key for key in self._document.data if key not in self._asked]
        problems = []
        for key in left:
            near = did_you_mean(key, self._asked)
            hint = f"did you mean {near}?" if near else f"asked here: {', '.join(self._asked)}"
            problems.append(self._document.problem((key,), "nothing asks for it", hint))
        if problems:
            raise ConfigError(problems)


class Person:
    """Answers from the terminal. ``given`` are not asked for."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._given = given

    def __call__(self, question: Question, problems: Sequence[Problem]) -> Any:
        """Ask until there is an answer. Raises click.Abort: the person has left."""
        if question.key in self._given and not problems:
            return self._given[question.key]
        for problem in problems:
            click.secho(f"  {_said(problem)}{f'; {problem.hint}' if problem.hint else ''}", fg="red")
        if not problems:
            click.secho(f"\n{question.text}", bold=True)
            click.echo(f"  {question.why}")
            for i, offer in enumerate(question.offers, 1):
                click.echo(f"  {i:>2}  {offer.value}{f'   {offer.say}' if offer.say else ''}")
        while True:
            default = None if question.must else _shown(question.default)
            typed = str(click.prompt("  ", default=default, type=str, prompt_suffix=": ")).strip()
            if question.offers and typed.isdecimal() and 1 <= int(typed) <= len(question.offers):
                return question.offers[int(typed) - 1].value
            if typed == default:
                return question.default
            try:
                return _meant(question, typed)
            except ConfigError as error:
                click.secho(f"  {error.problems[0].message}", fg="red")


def _said(problem: Problem) -> str:
    return f"{problem.path}: {problem.message}" if problem.path else problem.message


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {item}" for key, item in value.items())
    return str(value)


def _meant(question: Question, typed: str) -> Any:
    """What was typed, as a file would hold it. Raises ConfigError."""
    if question.kind == "word":
        return typed
    text = f"{{{typed.strip('{}')}}}" if question.kind == "map" else typed
    return parse(f"answer: {text}", "answer").data["answer"]
