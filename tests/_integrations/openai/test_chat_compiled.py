"""The kernels of `_integrations/openai/chat.py` read whole answers and chunks as their twins do."""

import copy
from collections import OrderedDict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import BaseModel

from tests import twins
from tests.providers.openai import TOOL_CALL, USAGE, chat_chunks, chunk, delta, tool_chunks
from tests.providers.openai import chat as completion
from trackway._integrations import content
from trackway._integrations.content import fields_of
from trackway._integrations.endpoint import Outcome, not_taken
from trackway._integrations.openai import chat

KERNELS = twins.compiled()
PURE = twins.in_python("trackway._integrations.openai.chat")
TABLES = content.MODELS, content.EXTRA, chat._NAMES


class Text(str):
    """A text of a class of its own."""

    __slots__ = ()


class Texts(list[str]):
    """A list of a class of its own."""


class Closed(BaseModel):
    """An object with fields of its own alone."""

    content: Any = None
    role: Any = None


texts = st.text(max_size=6)
silent: st.SearchStrategy[Any] = st.sampled_from([None, "", []])
odd = st.sampled_from([0, 1, True, 2.5, b"x", Text("y"), Text(""), Texts(), ["z"], {}, {"a": "b"}])
anything = texts | texts | silent | odd
deltas = st.dictionaries(
    st.sampled_from(["content", "role", "refusal", "reasoning_content", "tool_calls", "audio"]),
    texts | texts | texts | silent | odd,
    max_size=4,
)
choices = st.fixed_dictionaries(
    {"delta": deltas | deltas | deltas | st.builds(Closed, content=texts, role=texts) | anything},
    optional={
        "index": st.sampled_from([0, 0, 0, 1, None, True, "0"]),
        "finish_reason": st.sampled_from([None, None, None, "", "stop"]),
        "logprobs": anything,
        "error": st.sampled_from([None, None, "", {}, "gone", {"code": 502, "message": "gone"}]),
    },
)
chunks = st.fixed_dictionaries(
    {"choices": st.lists(choices, min_size=1, max_size=1) | st.lists(choices, max_size=3) | silent},
    optional={
        "id": anything,
        "model": anything,
        "service_tier": anything,
        "usage": st.just(USAGE) | anything,
        "obfuscation": texts,
    },
)


def as_sdk(given: dict[str, Any], kind: type = ChatCompletionChunk) -> object:
    """The chunk, or another *kind*, as the SDK hands it over, which checks nothing."""
    from openai._models import construct_type

    return construct_type(type_=kind, value=given)


wholes = chunks | chunks.map(as_sdk) | chunks.map(OrderedDict)


FILE = "QUJD" * 40
USUALLY = 6


def mostly(usual: st.SearchStrategy[Any], rarely: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Of so many things one is rare: so that few odd ones meet, and many answers are for the kernel."""
    return st.integers(0, USUALLY).flatmap(lambda drawn: usual if drawn else rarely)


def nested(levels: int, value: object = "x") -> object:
    for _ in range(levels):
        value = [value]
    return value


faults = st.sampled_from(["", {}, "gone", {"code": 502, "message": "gone"}])
parts = (
    odd
    | st.integers(20, 30).map(nested)
    | st.sampled_from([[], [[]], {"data": FILE}, FILE, {"id": "a", "none": None}, [TOOL_CALL]])
)
messages = mostly(
    st.builds(
        dict[Any, Any],
        st.fixed_dictionaries({"role": st.just("assistant"), "content": mostly(texts, silent)}),
        **dict.fromkeys(
            ("refusal", "annotations", "reasoning_content", "x"), mostly(silent, parts)
        ),
    ),
    st.dictionaries(
        st.sampled_from(["content", "refusal", "annotations", "tool_calls", "parsed", "data"]),
        texts | silent | parts,
        max_size=3,
    ),
)
answered = st.fixed_dictionaries(
    {"message": mostly(messages, st.builds(Closed, content=texts) | anything)},
    optional={
        "index": st.just(0),
        "finish_reason": mostly(st.just("stop"), st.sampled_from([None, 1, Text("stop")])),
        "error": mostly(st.none(), faults),
    },
)
usages = st.just(USAGE) | st.integers(20, 30).map(lambda levels: {"x": nested(levels)})
answers = st.fixed_dictionaries(
    {"choices": mostly(st.lists(answered, min_size=1, max_size=1), st.lists(answered) | silent)},
    optional={
        **dict.fromkeys(("id", "model", "service_tier"), mostly(texts, anything)),
        "usage": mostly(usages, anything),
        "error": mostly(st.none(), faults),
        "odd": odd,
    },
)


def answer_as_sdk(given: dict[str, Any]) -> object:
    return as_sdk(given, ChatCompletion)


def read(reader: Any, answer: object) -> object:
    """What is read of an answer, or what goes wrong."""
    try:
        return reader(fields_of(answer))
    except (AttributeError, TypeError, ValueError) as error:
        return repr(error)


@given(answers | answers.map(answer_as_sdk) | answers.map(OrderedDict))
def test_any_answer_is_what_the_twin_reads(answer: Any) -> None:
    """However odd an answer is, what is read of it is what is read without the kernel; the answer stays as it is."""
    before = copy.deepcopy(answer)
    assert read(chat.read_chat, answer) == read(PURE.read_chat, answer)
    assert answer == before


def with_odd(place: str, value: object) -> dict[Any, Any]:
    """A usual answer with one odd thing in it."""
    answer: dict[Any, Any] = completion({"content": "x"})
    if place == "key":
        answer["choices"][0]["message"][value] = "y"
    elif place in {"finish_reason", "message", "error of choice"}:
        answer["choices"][0][place.partition(" ")[0]] = value
    elif place == "content":
        answer["choices"][0]["message"][place] = value
    else:
        answer[place] = value
    return answer


ODD: list[Any] = [
    None,
    "",
    "y",
    0,
    1,
    True,
    2.5,
    [],
    {},
    [1],
    [[]],
    {"a": None},
    Text("y"),
    Texts(),
    FILE,
]
ODD += [nested(levels, Closed(content="x")) for levels in range(18, 30)]
PLACES = (
    "usage",
    "finish_reason",
    "message",
    "content",
    "error",
    "error of choice",
    "choices",
    "model",
)


@pytest.mark.parametrize("place", PLACES)
def test_one_odd_thing(place: str) -> None:
    """Whatever stands in one place of a usual answer, it is read as the twin reads it."""
    for value in (*ODD, *({"x": value} for value in ODD)):
        answer = with_odd(place, value)
        assert read(chat.read_chat, answer) == read(PURE.read_chat, answer), value


def test_an_odd_key() -> None:
    """A message may have keys that are no texts, or of a class of their own."""
    for key in (1, None, Text("content"), Text("parsed"), ("a",)):
        answer = with_odd("key", key)
        expected = PURE.read_chat(answer)
        assert chat.read_chat(answer) == expected
        answer["choices"][0]["message"]["refusal"] = "no"
        assert chat.read_chat(answer).output == {**expected.output, "refusal": "no"}


USUAL: list[dict[str, Any]] = [
    {},
    {"content": "Hm", "reasoning_content": "Because."},
    {"refusal": "No.", "audio": None},
]
UNUSUAL: list[dict[str, Any]] = [
    {"tool_calls": [TOOL_CALL]},
    {"parsed": {"a": 1}},
    {"audio": {"id": "a", "data": FILE}},
]


@pytest.mark.parametrize("make", [dict, answer_as_sdk])
def test_most_answers_go_the_short_way(make: Any) -> None:
    """One choice with texts is for the kernel, whatever is empty beside them; everything else is for the twin."""
    chat.read_chat(fields_of(make(completion(*UNUSUAL))))  # the classes are known from then on
    assert [chat._usual(make(completion(each))) is not None for each in USUAL] == [True] * 3
    assert [chat._usual(make(completion(each))) for each in UNUSUAL] == [None] * 3
    several = completion({"content": "a"}, {"content": "b"})
    assert [chat._usual(make(each)) for each in (several, completion(error={"code": 1}))] == [
        None
    ] * 2
    assert chat._usual(make(completion({"content": "a"}))) == (
        {"role": "assistant", "content": "a"}, "gpt-4o-2024-08-06", "chatcmpl-1", ("stop",), "default", USAGE,
    )  # fmt: skip


def test_an_answer_of_hostile_parts() -> None:
    """What is handed over beside an answer is checked, and keys that run code take nothing away from under it."""
    tables = (*content.PAYLOAD, chat._ASKED)
    several: list[Any] = [(), (*content.PAYLOAD, (), {}), (*content.PAYLOAD, chat._ASKED[:-1], {})]
    several += [(*tables[:at], b"", *tables[at + 1 :], {}) for at in range(len(tables))]
    for wrong in several:
        with pytest.raises(TypeError):
            KERNELS.completion(*wrong)

    class Key:
        def __init__(self, name: str) -> None:
            self.name = name

        def __hash__(self) -> int:
            return hash(self.name)

        def __eq__(self, other: object) -> bool:
            held.clear()
            return self is other

    for name in chat._ASKED:
        for at in range(3):
            answer: dict[Any, Any] = completion({"content": "x" * 40})
            held = (answer, answer["choices"][0], answer["choices"][0]["message"])[at]
            held[Key(name)] = held.pop(name, None)
            KERNELS.completion(*tables, answer)


def test_a_key_that_cannot_be_compared() -> None:
    """Where it cannot be told whether an answer says something, the twin is asked, which fails as it would."""

    class Key:
        def __hash__(self) -> int:
            return hash("usage")

        def __eq__(self, _: object) -> bool:
            raise ValueError("not like anything")

    answer: dict[Any, Any] = completion()
    assert chat._usual(answer) is not None
    del answer["usage"]
    answer[Key()] = USAGE
    assert chat._usual(answer) is None
    with pytest.raises(ValueError, match="not like"):
        chat.read_chat(answer)


def outcome(accumulator: Any, given: list[Any]) -> tuple[Outcome, list[str], bool]:
    """What comes of the chunks, as a call hands them over; and what went wrong with which."""
    wrong = []
    for each in given:
        if accumulator.started and accumulator.take(each):
            continue
        try:
            accumulator.add(fields_of(each))
        except (AttributeError, TypeError, ValueError) as error:
            wrong.append(repr(error))
    return accumulator.result(), wrong, accumulator.started


@given(st.lists(wholes, max_size=6))
def test_any_stream_is_what_the_twin_makes_of_it(given: list[Any]) -> None:
    """However odd the chunks are, what is made of them with the short way is what is made without it."""
    first = [as_sdk(chunk(delta(content="a")))]
    expected = outcome(PURE.ChatAccumulator(), first + given)
    assert outcome(chat.ChatAccumulator(), first + given) == expected


@pytest.mark.parametrize("make", [dict, as_sdk])
def test_most_chunks_go_the_short_way(make: Any) -> None:
    """Of a usual stream all chunks between the first text and the end, and none of what is no text."""
    accumulator = chat.ChatAccumulator()
    taken = []
    for each in chat_chunks("a b c d", usage=True):
        taken.append(accumulator.take(make(each)))
        if not taken[-1]:
            accumulator.add(fields_of(make(each)))
    assert taken == [False, True, True, True, True, False, False]
    assert accumulator.result().output == {"role": "assistant", "content": "a b c d"}
    tools = chat.ChatAccumulator()
    assert [tools.take(each) for each in tool_chunks()] == [False] * 7


def test_fields_that_the_sdk_does_not_know_go_the_short_way() -> None:
    """Text under a name that no SDK declares, a role that is said again, and what a server adds to each chunk."""
    accumulator = chat.ChatAccumulator()
    made = as_sdk(chunk(delta(role="assistant", reasoning_content="Hm"), obfuscation="x"))
    accumulator.add(fields_of(made))
    assert accumulator.take(made)
    assert accumulator.result().output == {"role": "assistant", "reasoning_content": "HmHm"}


def test_a_chunk_is_taken_whole_or_not() -> None:
    """Where one field of a delta is no text nothing of the chunk is taken."""
    texts: dict[str, list[str]] = {}
    usual = chunk(delta(content="x", role="tool"))
    last: dict[str, object] = {key: usual[key] for key in ("id", "model", "service_tier")}
    known: dict[str, object] = {}
    table = {0: (texts, known)}
    for fields in ({"content": "x", "tool_calls": [1]}, {"role": "assistant"}, {"content": 3}):
        assert not KERNELS.delta(*TABLES, last, table, chunk(delta(0, None, **fields)))
    others: list[dict[str, Any]] = [{"id": "chatcmpl-2"}, {"usage": USAGE}, {"choices": []}]
    for more in others:
        assert not KERNELS.delta(*TABLES, last, table, {**usual, **more})
    assert not KERNELS.delta(*TABLES, {}, table, usual)  # what it says of itself is not known yet
    assert (texts, known) == ({}, {})
    assert KERNELS.delta(*TABLES, last, table, usual)
    assert (texts, known) == ({"content": ["x"]}, {"role": "tool"})


def test_a_stream_of_hostile_tables() -> None:
    """What is handed over beside a chunk is checked: wrong tables are an error or nothing, never a crash."""
    usual = chunk(delta(content="x"))
    tables: list[Any] = [{}, {0: ()}, {0: (1, 2)}, {0: ({"content": 1}, {})}, {0: [{}, {}]}]
    for table in tables:
        assert not KERNELS.delta(*TABLES, dict(usual), table, usual)
    several: list[Any] = [(), (set(), "x", (), {}, {}, usual), (*TABLES, {}, (), usual)]
    for wrong in several:
        with pytest.raises(TypeError):
            KERNELS.delta(*wrong)
    assert not not_taken(usual)


def test_a_key_that_runs_code() -> None:
    """Keys that are no texts may do anything when they are compared: what was found before is still there."""
    armed: list[str] = []

    class Key:
        def __hash__(self) -> int:
            return hash("delta")

        def __eq__(self, other: object) -> bool:
            while armed:
                del choice[armed.pop()]
            return self is other

    number = 10**30
    choice: dict[Any, Any] = {Key(): 1, "index": int(str(number)), "delta": {"content": "x"}}
    texts: dict[str, list[str]] = {}
    armed.append("index")
    assert KERNELS.delta(*TABLES, {}, {number: (texts, {})}, {"choices": [choice]})
    assert "index" not in choice
    assert texts == {"content": ["x"]}
