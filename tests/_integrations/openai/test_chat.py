"""Tests for `trackway._integrations.openai.chat`: however a stream is cut, the result is that of the whole answer."""

import copy
import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.providers.openai import (
    BUCKETS,
    TOOL_CALL,
    USAGE,
    chat,
    chat_chunks,
    chunk,
    delta,
    tool_chunks,
)
from trackway._core.provider_usage import read
from trackway._integrations.endpoint import Outcome
from trackway._integrations.openai.chat import (
    ChatAccumulator,
    TextAccumulator,
    read_chat,
    read_text,
    usage_only,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
CALL = st.fixed_dictionaries({"name": st.sampled_from(["look", "book"]), "arguments": TEXT})
CHOICE = st.fixed_dictionaries(
    {
        "content": TEXT,
        "refusal": TEXT,
        "reasoning_content": TEXT,
        "calls": st.lists(CALL, max_size=3),
    }
)


def accumulated(chunks: list[dict[str, Any]]) -> Outcome:
    accumulator = ChatAccumulator()
    for each in chunks:
        accumulator.add(each)
    return accumulator.result()


def cut(text: str, chance: random.Random) -> list[str]:
    pieces = []
    while text:
        size = chance.randint(1, len(text))
        pieces.append(text[:size])
        text = text[size:]
    return pieces


def as_message(choice: dict[str, Any]) -> dict[str, Any]:
    """The message of a whole answer."""
    made: dict[str, Any] = {"role": "assistant"}
    made |= {key: choice[key] for key in ("content", "refusal", "reasoning_content") if choice[key]}
    if choice["calls"]:
        made["tool_calls"] = [
            {
                "id": f"call_{n}",
                "type": "function",
                "function": dict(call),
            }
            for n, call in enumerate(choice["calls"])
        ]
    return made


def as_deltas(index: int, choice: dict[str, Any], chance: random.Random) -> list[dict[str, Any]]:
    """The chunks of one choice, its texts cut anywhere."""
    found = [delta(index, role="assistant", content="")]
    for key in ("content", "refusal", "reasoning_content"):
        found += [delta(index, **{key: piece}) for piece in cut(choice[key], chance)]
    for n, call in enumerate(choice["calls"]):
        first = {
            "index": n,
            "id": f"call_{n}",
            "type": "function",
            "function": {"name": call["name"], "arguments": ""},
        }
        found.append(delta(index, tool_calls=[first]))
        for piece in cut(call["arguments"], chance):
            found.append(delta(index, tool_calls=[{"index": n, "function": {"arguments": piece}}]))
    return [*found, delta(index, reason="stop")]


@given(st.lists(CHOICE, min_size=1, max_size=3), st.randoms(use_true_random=False))
def test_any_cut_of_a_stream_is_the_whole_answer(
    choices: list[dict[str, Any]], chance: random.Random
) -> None:
    """Texts, reasoning, refusals and tool calls of several choices at once come out as from the whole answer."""
    streams = [as_deltas(index, choice, chance) for index, choice in enumerate(choices)]
    mixed: list[dict[str, Any]] = []
    while any(streams):
        mixed.append(chunk(chance.choice([s for s in streams if s]).pop(0)))
    mixed.append(chunk(usage=USAGE))
    whole = chat(*(as_message(choice) for choice in choices))
    assert accumulated(mixed) == read_chat(whole)


def test_content_in_parts_and_as_text() -> None:
    """Mistral's reasoning models give parts first and text behind them: both are kept, in this order."""
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}
    outcome = accumulated(
        [
            chunk(delta(content=[thought])),
            chunk(delta(content="Forty")),
            chunk(delta(content="-two")),
        ]
    )
    assert outcome.output["content"] == [thought, {"type": "text", "text": "Forty-two"}]


def test_an_error_in_an_answer() -> None:
    """What a gateway says with status 200 is an error, of the whole answer or of a choice, whole or streamed."""
    error = {"code": 502, "message": "Provider returned error"}
    told = "502: Provider returned error"
    assert read_chat({"error": error, "choices": None}).error == told
    whole = chat({"content": "Forty"})
    whole["choices"][0] |= {"error": error, "finish_reason": "error"}
    assert read_chat(whole).error == told
    assert read_chat(whole).output == {"role": "assistant", "content": "Forty"}
    last = chunk({**delta(reason="error"), "error": error})
    outcome = accumulated([chunk(delta(content="Forty")), last])
    assert (outcome.error, outcome.output) == (told, {"content": "Forty"})
    assert read_chat(chat()).error is None
    assert read_chat({"error": "gone"}).error == "gone"


def test_what_parse_adds_is_not_told_twice() -> None:
    """Neither the parsed content nor the parsed arguments of calls stand beside their texts."""
    call: dict[str, Any] = copy.deepcopy(TOOL_CALL)
    call["function"]["parsed_arguments"] = {"city": "Oslo"}
    outcome = read_chat(chat({"content": "{}", "parsed": {"a": 1}, "tool_calls": [call]}))
    assert outcome.output == {"role": "assistant", "content": "{}", "tool_calls": [TOOL_CALL]}
    assert "parsed_arguments" in call["function"]


def test_reasons_that_are_no_text_are_left_out() -> None:
    """A server may say anything; what else it says is recorded."""
    assert read_chat(chat(reason=["stop"])).finish_reasons == ()  # type: ignore[arg-type]  # odd
    assert accumulated([chunk(delta(content="x")), chunk(delta(reason=7))]).finish_reasons == ()  # type: ignore[arg-type]  # odd


def test_tool_calls_in_pieces() -> None:
    """Tool calls whose pieces come in turns are put together by their index."""
    outcome = accumulated(tool_chunks())
    names = [call["function"] for call in outcome.output["tool_calls"]]
    assert names == [
        {"name": "get_weather", "arguments": '{"city": "Oslo"}'},
        {"name": "get_time", "arguments": "{}"},
    ]
    assert outcome.finish_reasons == ("tool_calls",)


def test_tool_calls_without_an_index() -> None:
    """A server that numbers no calls and sends each whole is understood."""
    calls = [
        {"id": f"c{n}", "type": "function", "function": {"name": "f", "arguments": "{}"}}
        for n in (1, 2)
    ]
    outcome = accumulated([chunk(delta(tool_calls=calls))])
    assert [call["id"] for call in outcome.output["tool_calls"]] == ["c1", "c2"]


def started(chunks: list[dict[str, Any]]) -> list[bool]:
    """After each chunk, whether anything of the model's has come."""
    accumulator, found = ChatAccumulator(), []
    for each in chunks:
        accumulator.add(each)
        found.append(accumulator.started)
    return found


def test_the_first_token_is_not_the_role() -> None:
    """The chunk that only says the role has brought nothing; the first word, reasoning or call has."""
    role = chunk(delta(role="assistant", content="", refusal=None))
    assert started([role, chunk(delta(content="Hm"))]) == [False, True]
    assert started([role, chunk(delta(reasoning_content="Hm"))]) == [False, True]
    assert started(tool_chunks()[:2]) == [False, True]


def test_audio_comes_as_transcript_and_reference() -> None:
    """Audio is kept as its transcript and a reference to its bytes."""
    message = {
        "content": None,
        "audio": {"id": "a1", "data": "QUJD" * 40, "transcript": "hi", "expires_at": 5},
    }
    audio = read_chat(chat(message)).output["audio"]
    assert audio["transcript"] == "hi"
    assert audio["data"].startswith("<media type=audio/unknown size=120 ")


def test_odd_answers_say_what_they_can() -> None:
    """Choices that are missing or None, as some servers send them, are no error."""
    assert read_chat({"choices": None}).output is None
    assert read_chat({"choices": [{"message": None}]}).output == {}
    assert accumulated([{"choices": None}, {}]).output is None


def test_usage_is_of_the_last_chunk() -> None:
    """The usage is the last that was said; a chunk that brings nothing else is told from the others."""
    chunks = chat_chunks(usage=True)
    usage = accumulated(chunks).usage
    assert usage is not None
    found = read("openai.chat", dict(usage.items()))
    assert found is not None
    assert found.details() == BUCKETS
    assert [usage_only(each) for each in chunks].index(True) == len(chunks) - 1


@given(TEXT, st.randoms(use_true_random=False))
def test_completions_of_the_older_kind(text: str, chance: random.Random) -> None:
    """A completion in pieces is the same as the whole one."""
    accumulator = TextAccumulator()
    common = {"id": "cmpl-1", "model": "m"}
    for piece in cut(text, chance):
        accumulator.add({**common, "choices": [{"index": 0, "text": piece}]})
    accumulator.add({**common, "choices": [{"index": 0, "text": "", "finish_reason": "stop"}]})
    whole = {**common, "choices": [{"index": 0, "text": text, "finish_reason": "stop"}]}
    assert accumulator.result() == read_text(whole)
