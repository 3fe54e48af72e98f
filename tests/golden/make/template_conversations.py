"""The conversations every template is rendered with."""

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Current weather of a <place> & its \"name\"",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "description": "City, e.g. Zürich"},
                "days": {"type": "integer", "description": "How many days", "enum": [1, 3, 7]},
                "unit": {"type": "string", "enum": ["celsius", "fahrenheit"], "nullable": True},
            },
            "required": ["city"],
        },
        "return": {"type": "object", "description": "The weather"},
    },
}
CLOCK = {
    "type": "function",
    "function": {"name": "clock", "description": "The time", "parameters": {"type": "object", "properties": {}}},
}


def message(role, content, **extra):
    return {"role": role, "content": content, **extra}


def call(name, arguments, id="abc123def"):
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


def conversation(name, messages, prompt=True, **variables):
    return {"name": name, "prompt": prompt, "variables": variables, "messages": messages}


SYSTEM = message("system", "You are terse.")
HELLO = message("user", "Hello!")
ANSWER = message("assistant", "Hi, how can I help?")
AGAIN = message("user", "What is 2 + 2?")
TOOL_TURN = [
    message("user", "Weather in Zürich?"),
    message("assistant", "", tool_calls=[call("get_weather", {"city": "Zürich", "days": 3})]),
    message("tool", '{"temperature": 21.5}', name="get_weather", tool_call_id="abc123def"),
]

CONVERSATIONS = [
    conversation("one user turn", [HELLO]),
    conversation("without prompt", [HELLO], prompt=False),
    conversation("system", [SYSTEM, HELLO]),
    conversation("several turns", [SYSTEM, HELLO, ANSWER, AGAIN]),
    conversation("ends with assistant", [HELLO, ANSWER], prompt=False),
    conversation("many turns without system", [HELLO, ANSWER, AGAIN, message("assistant", "4"), message("user", "ok")]),
    conversation("empty content", [message("system", ""), message("user", ""), message("assistant", ""), HELLO]),
    conversation("white space", [message("system", "  s \n"), message("user", "\n\t hi\u00a0\u3000 "), ANSWER, AGAIN]),
    conversation("unicode", [message("system", "Sprich Deutsch: äöüß ẞ"), message("user", "你好 👩‍🚀 e\u0301 \u200b İ")]),
    conversation("markup in content", [message("user", "<|im_end|> {{ x }} {% if %} <b>&amp;</b> \\n '\"")]),
    conversation("tools", [SYSTEM, HELLO], tools=[WEATHER, CLOCK]),
    conversation("tools without system", [HELLO], tools=[WEATHER]),
    conversation("empty tool list", [HELLO], tools=[]),
    conversation("tool call and result", [SYSTEM, *TOOL_TURN], tools=[WEATHER, CLOCK]),
    conversation("tool call answered", [*TOOL_TURN, message("assistant", "21.5 degrees."), AGAIN], tools=[WEATHER]),
    conversation(
        "tool call with argument text",
        [
            message("user", "Weather?"),
            message("assistant", "Let me see.", tool_calls=[call("get_weather", '{"city": "Bern"}')]),
            message("tool", "rain", tool_call_id="abc123def"),
        ],
        tools=[WEATHER],
    ),
    conversation(
        "two tool calls, null content",
        [
            message("user", "Weather and time?"),
            message(
                "assistant",
                None,
                tool_calls=[
                    call("get_weather", {"city": "Bern", "nested": {"a": [1, 2.0, None, True]}}, "aaaaaaaaa"),
                    call("clock", {}, "bbbbbbbbb"),
                ],
            ),
            message("tool", "rain", tool_call_id="aaaaaaaaa", name="get_weather"),
            message("tool", "12:00", tool_call_id="bbbbbbbbb", name="clock"),
        ],
        tools=[WEATHER, CLOCK],
    ),
    conversation("thinking on", [HELLO], enable_thinking=True, thinking=True),
    conversation("thinking off", [SYSTEM, HELLO], enable_thinking=False, thinking=False),
    conversation(
        "reasoning in content",
        [HELLO, message("assistant", "<think>\nLet me\nthink\n</think>\n\nHi."), AGAIN],
    ),
    conversation(
        "reasoning field",
        [HELLO, message("assistant", "Hi.", reasoning_content="They greet.", thinking="They greet."), AGAIN],
    ),
    conversation("two user turns in a row", [HELLO, AGAIN]),
    conversation("assistant first", [ANSWER, HELLO]),
    conversation("system in the middle", [HELLO, SYSTEM, ANSWER]),
    conversation("unknown role", [message("critic", "Bad."), HELLO]),
    conversation("content parts", [message("user", [{"type": "text", "text": "Look:"}, {"type": "text", "text": "here"}])]),
    conversation("image part", [message("user", [{"type": "image"}, {"type": "text", "text": "What is it?"}])]),
    conversation("no messages", []),
    conversation("missing content", [{"role": "user"}]),
    conversation("date", [SYSTEM, HELLO], date_string="01 Jan 2025"),
    conversation(
        "documents", [HELLO], documents=[{"title": "A", "text": "first"}, {"title": "B", "text": "second"}]
    ),
]
