// Templates that try to crash, hang or exhaust the host: each must end with a clear error instead.
#include <doctest/doctest.h>

#include <ctime>

#include "libfp4/text/template/chat_template.h"

namespace {

using fp4::ChatOptions;
using fp4::ChatTemplate;
using fp4::Status;

fp4::Result<std::string> render(const std::string& source, const fp4::TemplateLimits& limits = {}) {
    FP4_ASSIGN(auto parsed, ChatTemplate::parse(source, "evil.jinja", limits));
    fp4::ChatMessage messages[] = {{"user", "hi"}};
    return parsed.render(messages, ChatOptions{});
}

// A tenth of the default budgets, which take up to a second to use up; the depths are the default ones.
fp4::TemplateLimits small_budgets() {
    fp4::TemplateLimits limits;
    limits.max_steps /= 10;
    limits.max_memory_bytes /= 10;
    limits.max_output_bytes /= 10;
    return limits;
}

void check_fails(const std::string& source, Status status, const std::string& part) {
    INFO(source.substr(0, 200));
    std::clock_t start = std::clock(); // CPU time: other work on the machine does not count
    auto result = render(source, small_budgets());
    double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    REQUIRE_FALSE(result.ok());
    INFO(result.error().message);
    CHECK(result.error().status == status);
    CHECK(result.error().message.starts_with("template 'evil.jinja' line "));
    CHECK(result.error().message.find(part) != std::string::npos);
    CHECK(seconds < 10); // only an endless one is slower, even with sanitizers
}

std::string repeated(const std::string& text, size_t times) {
    std::string out;
    for (size_t i = 0; i < times; ++i) out += text;
    return out;
}

std::string loop(const std::string& body, const std::string& count = "100000") {
    return "{% for i in range(" + count + ") %}" + body + "{% endfor %}";
}

} // namespace

TEST_CASE("unfinished source is a syntax error with its line") {
    check_fails("\n\n{{ a[\"foo\"(", Status::format, "line 3: the template ends inside {{ }}");
    check_fails("x\n{#", Status::format, "line 2: Missing end of comment tag");
    check_fails("{# x", Status::format, "Missing end of comment");
    check_fails("{% raw %} {% endra %}", Status::format, "Missing end of raw");
    check_fails("{{ 'abc", Status::format, "a string is not closed");
    check_fails("{{ 'abc\\", Status::format, "a string is not closed");
    check_fails("{% if x %}\n{% for y in x %}", Status::format, "before 'endfor' of the 'for' in line 2");
    check_fails("{% if x %}{% endfor %}", Status::format, "unknown tag 'endfor' inside the 'if' of line 1");
    check_fails("{%", Status::format, "ends inside {% %}");
    check_fails("{{", Status::format, "ends inside {{ }}");
    check_fails("{{ 99999999999999999999 }}", Status::format, "does not fit 64 bits");
    check_fails("{{ '\\ud800' }}", Status::format, "does not exist");
    check_fails("{{ '\\x4' }}", Status::format, "truncated");
}

TEST_CASE("deep nesting of the source is refused") {
    constexpr size_t levels = 5000;
    const std::pair<const char*, const char*> brackets[] = {
        {"(", ")"},    {"[", "]"},     {"{'a':", "}"}, {"a[", "]"},          {"a(", ")"},
        {"1+(", ")"},  {"-", ""},      {"not ", ""},   {"a|default(", ")"},  {"a[:", "]"},
        {"f(x=", ")"}, {"1 ** -", ""}, {"f(*", ")"},   {"x if y else ", ""}, {"a is eq(", ")"},
    };
    for (const auto& [open, close] : brackets) {
        check_fails("{{ " + repeated(open, levels), Status::format, "");
        check_fails("{{ " + repeated(open, levels) + "1" + repeated(close, levels) + " }}", Status::format,
                    "nested more than 128 levels");
    }
    for (std::string tail :
         {"|upper", ".a", "[0]", "(1)", " + 1", " ** 2", " is none and 1", " is defined"}) {
        if (tail == " is defined") tail = " and x";
        check_fails("{{ x" + repeated(tail, levels) + " }}", Status::format, "nested more than 128 levels");
    }
    for (std::string open : {"{% if 1 %}", "{% for x in [1] %}", "{% set x %}", "{% macro m() %}",
                             "{% with %}", "{% filter upper %}", "{% generation %}", "{% call f() %}"}) {
        check_fails(repeated(open, levels), Status::format, "nested more than 128 levels");
    }
    check_fails("{% for " + repeated("(", levels) + "x" + repeated(")", levels) + " in y %}", Status::format,
                "nested more than 128 levels");
}

TEST_CASE("wide source is fine") {
    std::string sum = "{{ [" + repeated("1,", 20000) + "]|sum }}";
    auto result = render(sum);
    REQUIRE(result.ok());
    CHECK(*result == "20000");
    auto chain = render("{{ 1" + repeated(" ~ 1", 5000) + " }}");
    REQUIRE(chain.ok());
    CHECK(chain->size() == 5001);
    auto choices = render("{% if 0 %}" + repeated("{% elif 0 %}", 5000) + "{% else %}x{% endif %}");
    REQUIRE(choices.ok());
    CHECK(*choices == "x");
}

TEST_CASE("growth without end hits a limit") {
    std::string doubling = "{% set x = 'aaaaaaaaaaaaaaaa' %}";
    for (const char* grow :
         {"x + x", "x ~ x", "[x, x]|join", "x * 2", "x.replace('a', 'aa')", "x|replace('a', 'aa')",
          "'%s%s' % (x, x)", "'{}{}'.format(x, x)", "x.join([x, x])", "(x ~ x)|upper", "(x ~ x).title()",
          "(x ~ x)|e", "[x, x]|string", "[x, x]|tojson", "x|indent(1024, true) ~ x"}) {
        check_fails(doubling + repeated(std::string("{% set x = ") + grow + " %}", 60), Status::limit, "");
    }
}

TEST_CASE("lists that grow without end hit a limit") {
    check_fails("{% set x = [1] %}" + repeated("{% set x = x + x %}", 60), Status::limit, "");
    check_fails("{% set x = [1] %}" + repeated("{% set x = [x, x] %}", 60) + "{{ x }}", Status::limit, "");
    check_fails("{% set x = [1] %}" + repeated("{% set x = [x, x] %}", 60) + "{{ x|tojson }}", Status::limit,
                "");
    check_fails("{% set x = [1] %}{% set y = [1] %}" +
                    repeated("{% set x = [x, x] %}{% set y = [y, y] %}", 60) + "{{ x == y }}",
                Status::limit, "steps");
    check_fails("{% set ns = namespace(x=[]) %}" + loop(loop("{% set ns.x = ns.x + [i] %}")), Status::limit,
                "");
    check_fails("{{ [0] * 1000000000000 }}", Status::limit, "repeated value");
    check_fails("{{ 'ab' * 9223372036854775807 }}", Status::limit, "repeated value");
    check_fails("{{ range(1000000000) }}", Status::limit, "range() is longer");
    check_fails("{{ range(-9223372036854775807, 9223372036854775807, 2) }}", Status::limit,
                "range() is longer");
}

TEST_CASE("work without end hits a limit") {
    check_fails(loop("{% for j in [0] * 1000 %}x{% endfor %}"), Status::limit, "");
    check_fails(loop(loop(loop(""))), Status::limit, "");
    check_fails(loop("{{ range(100000)|list|sort|length }}"), Status::limit, "");
    check_fails("{% set x = 'a' * 1000000 %}" + loop("{% if 'b' in x %}{% endif %}"), Status::limit, "");
    check_fails("{% set x = 'a' * 1000000 %}" + loop("{% if ('a' * 500000 ~ 'b') in x %}{% endif %}"),
                Status::limit, "");
    check_fails("{% set x = 'a' * 1000000 %}" + loop("{% if x.rfind('a' * 500000 ~ 'b') %}{% endif %}"),
                Status::limit, "");
    check_fails("{% set x = 'a b' * 300000 %}" + loop("{% set y = x.split() %}"), Status::limit, "");
    check_fails("{% set x = 'a b' * 300000 %}" + loop("{% set y = x.rsplit(' ') %}"), Status::limit, "");
    check_fails("{% set x = 'ä' * 300000 %}" + loop("{% set y = x[200000] %}"), Status::limit, "steps");
    check_fails("{% set x = ' ' * 3000000 %}" + loop("{% set y = x.strip() %}"), Status::limit, "steps");
    check_fails("{% set x = range(100000)|list %}" + loop("{% if -1 in x %}{% endif %}"), Status::limit,
                "steps");
    check_fails("{% set x = range(100000)|list %}" + loop("{% if x[:] == x %}{% endif %}"), Status::limit,
                "");
    check_fails("{% set ns = namespace(d={}) %}" + loop("{% set ns.d = dict(ns.d, **{i|string: i}) %}"),
                Status::limit, "");
    check_fails("{{ range(100000)|unique|list|length }}" + loop("{{ range(100000)|unique|list }}"),
                Status::limit, "");
    check_fails(loop("{{ 'x' * 10000 }}"), Status::limit, "");
}

TEST_CASE("calls that never return hit a limit") {
    check_fails("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", Status::limit, "nested more than");
    check_fails("{% macro f() %}{{ g() }}{% endmacro %}{% macro g() %}{{ f() }}{% endmacro %}{{ f() }}",
                Status::limit, "nested more than");
    check_fails("{% macro f(x) %}{{ f(f) }}{{ f(f) }}{% endmacro %}{{ f(1) }}", Status::limit,
                "nested more than");
    check_fails("{% macro f(x=f()) %}{% endmacro %}{{ f() }}", Status::limit, "nested more than");
    check_fails("{% macro f() %}{% call f() %}{{ caller() }}{% endcall %}{% endmacro %}{{ f() }}",
                Status::limit, "");
    check_fails("{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(60) }}",
                Status::limit, "");
}

TEST_CASE("values nested too deep or in a circle cannot be printed or compared") {
    std::string deep = "{% set ns = namespace(x=[1], y=[1]) %}" +
                       loop("{% set ns.x = [ns.x] %}{% set ns.y = [ns.y] %}", "20000");
    check_fails(deep + "{{ ns.x }}", Status::limit, "levels deep");
    check_fails(deep + "{{ ns.x|tojson }}", Status::limit, "levels deep");
    check_fails(deep + "{{ ns.x == ns.y }}", Status::limit, "levels deep");
    check_fails(deep + "{{ ns.x < ns.y }}", Status::limit, "levels deep");
    check_fails(deep + "{{ ns.x in [ns.y] }}", Status::limit, "levels deep");
    check_fails(deep + "{{ [ns.x, ns.y]|sort }}", Status::limit, "levels deep");
    check_fails(deep + "{{ ns.x|map(" + repeated("'map', ", 5000) + "'upper')|list }}", Status::limit,
                "nested more than");
    std::string tuples = "{% set ns = namespace(x=(1,)) %}" + loop("{% set ns.x = (ns.x,) %}", "20000");
    check_fails(tuples + "{{ {ns.x: 1} }}", Status::format, "unhashable");
    check_fails("{% set ns = namespace() %}{% set ns.self = ns %}{{ ns }}", Status::limit, "levels deep");
    check_fails("{% set ns = namespace() %}{% set ns.a = [ns] %}{{ ns.a }}", Status::limit, "levels deep");
    CHECK(render("{% set ns = namespace() %}{% set ns.self = ns %}{{ ns.self.self is defined }}").ok());
}

TEST_CASE("huge widths are refused before memory is taken") {
    check_fails("{{ '%999999999d' % 1 }}", Status::format, "wider than");
    check_fails("{{ '%.999999999f' % 1 }}", Status::format, "wider than");
    check_fails("{{ 'x'.center(1000000000000) }}", Status::limit, "memory");
    check_fails("{{ 'x'.zfill(9223372036854775807) }}", Status::limit, "memory");
    check_fails("{{ 'x\ny'|indent(1000000000) }}", Status::format, "indent is wider");
    check_fails("{{ [1]|batch(1000000000000, 0)|list }}", Status::format, "out of range");
    check_fails("{{ [1]|slice(1000000000000, 0)|list }}", Status::format, "out of range");
    CHECK(render("{{ [[1]]|tojson(indent=1000000000)|length }}").ok());
    check_fails("{{ [[1]]|tojson(indent='x' * 1000000) }}", Status::format, "indent is longer");
}

TEST_CASE("arithmetic outside 64 bits is an error") {
    for (const char* expression : {"2 ** 64", "9223372036854775807 + 1", "-9223372036854775807 - 2",
                                   "9223372036854775807 * 2", "-(-9223372036854775807 - 1)",
                                   "(-9223372036854775807 - 1) // -1", "(-9223372036854775807 - 1)|abs"}) {
        check_fails(std::string("{{ ") + expression + " }}", Status::format, "does not fit 64 bits");
    }
    auto rest = render("{{ (-9223372036854775807 - 1) % -1 }}");
    REQUIRE(rest.ok());
    CHECK(*rest == "0");
    check_fails("{{ 1e300|int }}", Status::format, "does not fit 64 bits");
    check_fails("{{ 1 % 0 }}", Status::format, "division by zero");
    check_fails("{{ 1.0 // 0 }}", Status::format, "division by zero");
}

TEST_CASE("nothing outside the conversation can be reached") {
    for (const char* expression :
         {"''.__class__.__mro__", "messages.__class__()", "range.__globals__.x", "namespace.__init__()",
          "self.x", "messages.append(1)", "messages[0].update({})", "messages[0].pop('role')",
          "cycler.__init__()", "lipsum()"}) {
        check_fails(std::string("{{ ") + expression + " }}", Status::format, "");
    }
    for (const char* tag :
         {"include '/etc/passwd'", "import 'os' as os", "extends 'x'", "from 'x' import y"}) {
        check_fails(std::string("{% ") + tag + " %}", Status::format, "not supported");
    }
}

TEST_CASE("limits can be set by the caller") {
    fp4::TemplateLimits limits;
    limits.max_source_bytes = 10;
    auto large = render("12345678901", limits);
    REQUIRE_FALSE(large.ok());
    CHECK(large.error().status == Status::limit);
    limits = {};
    limits.max_output_bytes = 5;
    CHECK(render("12345", limits).ok());
    CHECK_FALSE(render("123456", limits).ok());
    limits = {};
    limits.max_steps = 100;
    CHECK(render(loop("", "50"), limits).ok() == false); // 2 x 50 steps and those of the range
    CHECK(render(loop("", "20"), limits).ok());
    limits = {};
    limits.max_memory_bytes = 100000;
    CHECK(render("{{ 'a' * 1000 }}", limits).ok());
    CHECK_FALSE(render("{{ 'a' * 100000 }}", limits).ok());
    limits = {};
    limits.max_depth = 3;
    CHECK_FALSE(
        render("{{ ((((((1)))))) }}" + repeated("{% if 1 %}", 5) + repeated("{% endif %}", 5), limits).ok());
}
