"""Small templates, one construct each; their expected text is what jinja2 renders with VARIABLES."""

VARIABLES = {
    "s": "Hello World",
    "u": "Grüße 你好 ǅ ß",
    "n": None,
    "i": 7,
    "neg": -7,
    "f": 2.5,
    "t": True,
    "e": "",
    "l": [3, 1, 2],
    "words": ["b", "A", "c", "a", "B"],
    "d": {"b": 1, "a": {"x": [1, 2]}, "items": "own", "C": None},
    "people": [
        {"name": "Ann", "age": 30, "city": {"zip": 1}, "on": True},
        {"name": "bob", "age": 25, "city": {"zip": 2}, "on": False},
        {"name": "Cid", "age": 30, "city": {"zip": 3}},
    ],
    "lines": "one\n two\n\nthree\n",
    "html": "<a href='x'>&\"</a>",
    "big": 9007199254740993,
}

EXPRESSIONS = r"""
1 + 2 * 3
(1 + 2) * 3
7 / 2
7 // 2
-7 // 2
7 // -2
-7 % 3
7 % -3
-7.5 % 2
7.5 // -2
2 ** 10
2 ** -1
-2 ** 2
2 ** 3 ** 2
1 / 3
1e16
1e15
123456789012345680.0
1.5e-5
0.0001
100.0
-0.0
1_000 + 0x1F + 0b101 + 0o17
1.5e3
3.0 * 2
10 / 5
5 - 7.0
true + 1
True and 'x'
1 and 0
0 or 'fallback'
not n
not 'x' == 'y'
not not t
n
t
f
i
big
u
e
missing
missing.foo
missing['foo']
missing + 1
missing ~ 'x'
missing == missing2
missing is defined
d.missing
d.missing.deeper
d['b']
d.b
d['items']
d.a.x[1]
d['a']['x'][-1]
d.a.x[5]
d.a.x['y']
d.C is none
s[0]
s[-1]
s[100]
s[2:5]
s[:-6]
s[::-1]
s[::2]
s[-3:]
s[5:2]
s[1:9:3]
s[9:1:-3]
u[2:5]
u[::-1]
l[1:]
l[::-1]
l[-2:]
l[10:]
(1, 2, 3)[1:]
l['a':]
l[::0]
n[0]
n.x
'a' 'b' "c"
'tab\tnew\\nl \'q\' "d" \x41\u00e9\U0001F600\101\q'
'a' + 'b' * 3
3 * 'ab'
[1] * 3
[1, 2] + [3]
(1,) + (2,)
[1] + (2,)
'a' + 1
'a' + n
1 + n
'a' ~ 1 ~ n ~ 2.0 ~ [1, 'x'] ~ t
1 ~ 2 + 3
'x' if t else 'y'
'x' if not t else 'y'
'x' if false
'a' if false else 'b' if false else 'c'
1 < 2 < 3
1 < 3 < 2
3 > 2 >= 2 != 1
1 == 1.0
1 == true
'1' == 1
'a' < 'b'
'a' < 1
n < 1
[1, 2] < [1, 3]
[1, [2, 'x']] == [1, [2, 'x']]
{'a': 1} == {'a': 1.0}
(1, 2) == [1, 2]
n == n
'ell' in s
'' in s
'x' not in s
2 in l
'a' in d
'x' in missing
1 in 's'
1 in n
1 in 5
[1, 'a', n, t, 2.0, {'k': 'v'}, (1,), ()]
{'a': 1, 2: 'b', n: t, (1, 2): []}
{'a': 1, 'a': 2}
{[1]: 2}
{}
()
(1)
(1,)
1, 2
"it's"
['it\'s', 'say "hi"', 'both \' and "', 'nl\n\t\x00\x7f\u200bé']
l is iterable, s is iterable, i is iterable, missing is iterable
l is sequence, s is sequence, d is sequence, i is sequence, missing is sequence
d is mapping, l is mapping
i is number, f is number, t is number, s is number
i is integer, t is integer, f is integer
f is float, i is float
t is boolean, i is boolean
t is true, 1 is true, false is false
s is string, i is string
n is none, e is none
i is odd, i is even, neg is odd
f is odd
'a' is odd
i is divisibleby 7
i is divisibleby(2)
6 is divisibleby 0
i is eq 7
i is == 7
i is ne(7)
i is gt 3
i is lt(3)
i is ge 7
i is le 7
i is sameas i
t is sameas true
1 is in l
'x' is not in l
5 is in [5]
'abc' is lower, 'ABC' is upper, 'aB' is lower, '12' is upper
s.upper is callable, s is callable
'upper' is filter, 'nope' is filter, 'odd' is test
s is nope
s is defined and s is string or false
s|upper
s | lower | title
s|length
u|length
[]|length
d|count
n|length
5|length
'  x '|trim
'xxaxx'|trim('x')
'hello wORLD'|capitalize
'hello wORLD foo-bar (baz) x_y'|title
u|upper
u|lower
u|title
5|upper
'aXbX'|replace('X', '-')
'aaa'|replace('a', 'b', 2)
'abc'|replace('', '-')
123|replace(2, 'x')
l|join(',')
l|join
words|join(', ')
[1, n, t, 'x']|join('-')
people|join(', ', attribute='name')
s|join('.')
missing|join
missing|default('dflt')
missing|default
e|default('x')
e|default('x', true)
n|d('x', boolean=true)
d.missing.x|default('x')
l|first
l|last
[]|first
[]|last
s|first
missing|first
l|max
l|min
words|max
words|min(case_sensitive=true)
people|max(attribute='age')
[]|max
l|sum
people|sum(attribute='age')
[1.5, 2]|sum(start=10)
l|sort
l|sort(reverse=true)
words|sort
words|sort(case_sensitive=true)
words|sort(reverse=true)
people|sort(attribute='name')|map(attribute='name')|join(',')
people|sort(attribute='age,name')|map(attribute='name')|join(',')
[1, 'a']|sort
words|unique|list
[1, 1.0, true, '1']|unique|list
people|unique(attribute='age')|map(attribute='name')|list
l|reverse|list
s|reverse
(1, 2)|list
s|list
d|list
i|list
d|items|list
d|dictsort
{'b': 2, 'A': 1, 'a': 3}|dictsort
{'b': 2, 'A': 1}|dictsort(true)
{'b': 2, 'A': 1}|dictsort(by='value')
{'b': 2, 'A': 1}|dictsort(reverse=true)
missing|items|list
people|map(attribute='city.zip')|list
people|map(attribute='on', default='?')|list
people|map(attribute='on')|list
words|map('upper')|list
words|map('replace', 'a', 'z')|join
l|map('nope')|list
people|selectattr('on')|map(attribute='name')|list
people|selectattr('age', 'equalto', 30)|map(attribute='name')|list
people|selectattr('on', 'defined')|list|length
people|rejectattr('age', '==', 30)|map(attribute='name')|list
people|selectattr('city.zip', 'gt', 1)|map(attribute='name')|list
l|select('odd')|list
l|reject('odd')|list
[0, 1, '', 'x', n]|select|list
[0, 1, '', 'x', n]|reject|list
l|select('odd')|length
'yes' if l|select('gt', 5) else 'no'
missing|map(attribute='x')|list
l|batch(2)|list
l|batch(2, 'x')|list
l|slice(2)|list
people|map(attribute='name')|first
people|attr('x')
d|attr('b')
s|attr('upper')()
'42'|int
'42.9'|int
'x'|int
'x'|int(5)
'0x1f'|int(0, 16)
' 12 '|int
'1_000'|int
42.9|int
-42.9|int
n|int
t|int
'1.5'|float
'x'|float
'1e3'|float
'inf'|float
7|float
7|string
n|string
2.0|string
neg|abs
-2.5|abs
'x'|abs
2.5|round
3.5|round
2.675|round(2)
2.25|round(1)
2.25|round(1, 'ceil')
2.29|round(1, 'floor')
7|round
7|round(1, 'floor')
1234.5|round(-2)
lines|indent
lines|indent(2)
lines|indent(2, true)
lines|indent(2, first=true, blank=true)
lines|indent('> ')
'x'|indent
''|indent(2, true)
d|tojson
people|tojson
people|tojson(indent=2)
[]|tojson(indent=2)
{'a': []}|tojson(indent=4)
{'b': 1, 'a': 2}|tojson(sort_keys=true)
[1, 2]|tojson(separators=(',', ':'))
'é\u2028"\\/\n\x01\x7f'|tojson
'é😀\x7f'|tojson(ensure_ascii=true)
{1: n, t: f, n: 1, 2.5: 'x'}|tojson
1e100|tojson
missing|tojson
(1, (2,))|tojson
range(3)|tojson
s|tojson|length
html|escape
html|e|e
html|safe
'<'|safe + '<'
'<' + '>'|safe
('<'|safe) ~ '<'
html|escape|upper
('<b>'|safe).replace('b', '<')
('<a>'|safe)[1:] + '&'
['<b>'|safe, '<']|join('|')
('|'|safe).join(['<', '<b>'|safe])
['<b>'|safe]
'<b>'|safe|string + '<'
'<b>'|safe == '<b>'
'<'|safe * 2 + '<'
'%s is %d'|format('x', 5)
'%s-%s' % ('a', 1)
'%05.1f|%-4s|%4s|%x|%%' % (2.25, 'a', 'b', 255)
'%s' % 'a'
'%s' % [1, 2]
'%(a)s' % {'a': 5}
'%s %s' % ('a',)
'%d' % 'x'
'{} {} {name}'.format(1, 'b', name=n)
'{0}{1}{0} {{}}'.format('a', 'b')
'{}'.format()
s.upper()
s.lower()
s.title()
"they're bill's".title()
s.swapcase()
'hELLO'.capitalize()
'  x '.strip()
'  x '.lstrip() ~ '|'
'  x '.rstrip() ~ '|'
'xyxhixy'.strip('xy')
'\u3000\u00a0x\u200b'.strip()
'a,b,,c'.split(',')
'a,b,,c'.split(',', 1)
'a,b,,c'.rsplit(',', 1)
' a  b c '.split()
' a  b c '.split(none, 1)
' a  b c '.rsplit(none, 1)
' a  b c '.split(maxsplit=2)
'abc'.split('')
'abc'.split('</think>')[-1]
'a\nb\r\nc\n'.splitlines()
'a\nb'.splitlines(true)
s.startswith('He')
s.startswith(('x', 'He'))
s.endswith('x')
s.startswith(1)
s.replace('l', 'L')
s.replace('l', 'L', 1)
s.find('o')
s.find('o', 5)
s.rfind('o')
s.find('zz')
u.find('你')
s.index('zz')
s.count('l')
'aaaa'.count('aa')
','.join(['a', 'b'])
','.join(l)
','.join('abc')
'a-b-c'.partition('-')
'a-b-c'.rpartition('-')
'abc'.partition('-')
'abc'.removeprefix('a')
'abc'.removesuffix('x')
'x'.center(5, '*') ~ '|' ~ 'xy'.center(5) ~ '|'
'x'.ljust(3) ~ '|' ~ 'x'.rjust(3, '0')
'-5'.zfill(4)
'12'.isdigit(), '1a'.isdigit(), '²'.isdigit(), '²'.isdecimal(), ''.isdigit()
'abc'.isalpha(), 'a1'.isalnum(), ' '.isspace(), 'Abc'.istitle(), 'ABC1'.isupper(), 'é'.isascii()
s.nope()
s.__class__
s.__class__.__mro__
d.__class__ is defined
l.append(4)
l.pop()
d.update({'x': 1})
d.pop('b')
l.append is defined
d.get('b')
d.get('zz')
d.get('zz', 'dflt')
d.keys()|list
d.values()|list
d.items()|list
d.keys()
d.items()|length
'a' in d.keys()
d.keys()[0]
d.copy() == d
l.index(1)
l.index(9)
l.count(1)
(1, 2, 2).count(2)
range(5)
range(5)|list
range(1, 6, 2)|list
range(5, 0, -2)|list
range(3)[1]
range(0)|length
range(1000000)
range(1, 2, 0)
range('x')
dict(a=1, b=2)
dict({'x': 1}, y=2)
dict([('a', 1)])
namespace(a=1).a
namespace(a=1).b
namespace(_x=1)
strftime_now('%d %b %Y %H:%M:%S %A %B %j %-d %y %p %I')
strftime_now('%Y-%m-%d')
raise_exception('my own error')
nope()
i()
s.upper(1)
s|upper(1)
s|replace('a')
s|nope
[1, 2,]
{'a': 1,}
s.upper ()
{'a': {'b': [1]}}.a.b[0]
[[1, 2], [3]][0][1]
'a' in 'abc' and 'b' not in 'xyz'
1 if 0 else 2 if 1 else 3
- 5|abs
-5|abs
+5
1 is number is true
l.0
d.a.x.1
people.0.name
people[0]['name'][::-1]
'%' ~ 5
"\{"
[l, d]|length
1 == 1 == 1
'ab' * -1
2.0 ** 0.5
1 % 0
1.0 / 0
'a' % 1
s and l and d.b
(l|sort)[0]
[1,2,3]|sum / 2
[x for x in l]
lambda: 1
1 +
(1
'unclosed
a b
@
{{ 1 }}
1 if
1..2
.5
5.
d.
f(a=1, 2)
{'a' 1}
not
is defined
'a'|
x |default("a b")|upper
html|length
['a', 'b']|join|upper
"a" ~ ("b" if t)
'x' ~ missing|default('y') ~ 'z'
words|map('lower')|unique|sort|join
'Ab cD'|lower|capitalize
'one two  three'|wordcount
'foo bar baz qux'|truncate(9)
'foo bar baz qux'|truncate(9, true)
'foo bar baz qux'|truncate(11)
'x'|center(5) ~ '|'
none is none and true is boolean
'%.3f' % 3.14159
'%5d|%-5d|%05d|%+d' % (42, 42, 42, 42)
1000000 * 1000000
(1).__class__
''.__class__.__base__.__subclasses__()
range.__globals__
raise_exception.__globals__
""".strip("\n").split("\n")

STATEMENTS = [
    "plain text\n",
    "two newlines\n\n",
    "a\r\nb\rc\n",
    "{# comment #}x{#- c -#} y {# multi\nline #}\nz",
    "  {# indented #}\n  x",
    "{% if t %}a{% else %}b{% endif %}",
    "{% if n %}a{% elif e %}b{% elif i %}c{% else %}d{% endif %}",
    "  {% if t %}\n    yes\n  {% endif %}\nend",
    "  {%+ if t %}\n    yes\n  {%+ endif %}\nend",
    "a \n {%- if t -%} \n b \n {%- endif -%} \n c",
    "a\n{% if t +%}\nb{% endif %}",
    "x {{- ' y ' -}} z",
    "x {{+ 1 }}",
    "line {{ 1 }}\nnext",
    "{% raw %}{{ x }} {% if %}{% endraw %}!",
    "  {% raw %}\n  {{ x }}\n  {% endraw %}\n!",
    "{%- raw -%}  a  {%- endraw -%}  b",
    "{% for x in l %}{{ x }},{% endfor %}",
    "{% for x in l -%}\n  {{ x }}\n{% endfor %}",
    "{% for x in [] %}{{ x }}{% else %}none{% endfor %}",
    "{% for x in missing %}{{ x }}{% else %}none{% endfor %}",
    "{% for x in n %}{% endfor %}",
    "{% for x in i %}{% endfor %}",
    "{% for c in u %}[{{ c }}]{% endfor %}",
    "{% for k in d %}{{ k }};{% endfor %}",
    "{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}",
    "{% for k, v in d|items %}{{ k }}={{ v }};{% endfor %}",
    "{% for (a, b), c in [((1, 2), 3)] %}{{ a }}{{ b }}{{ c }}{% endfor %}",
    "{% for a, b in [(1, 2, 3)] %}{% endfor %}",
    "{% for a, b in ['xy', 'zw'] %}{{ b }}{{ a }}{% endfor %}",
    "{% for x in l %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}"
    "{{ loop.last }}{{ loop.length }} {% endfor %}",
    "{% for x in l %}{{ loop.previtem }}<{{ x }}>{{ loop.nextitem }} {% endfor %}",
    "{% for x in l %}{{ loop.previtem is defined }}{{ loop.nextitem is defined }}{% endfor %}",
    "{% for x in l %}{{ loop.cycle('a', 'b') }}{% endfor %}",
    "{% for x in [1, 1, 2] %}{{ loop.changed(x) }}{% endfor %}",
    "{% for x in range(10) if x is odd %}{{ x }}{{ loop.last }}{{ loop.length }} {% endfor %}",
    "{% for x in range(10) if x is odd %}{{ x }}{% endfor %}",
    "{% for x in l if x > 10 %}{{ x }}{% else %}none{% endfor %}",
    "{% set ns = namespace(go=true) %}{% for x in l if ns.go %}{{ x }}{% set ns.go = false %}{% endfor %}",
    "{% for x in range(10) %}{% if x == 3 %}{% break %}{% endif %}{{ x }}{% endfor %}",
    "{% for x in range(5) %}{% if x == 3 %}{% continue %}{% endif %}{{ x }}{% endfor %}",
    "{% for x in [1, 2] %}{% for y in [3, 4] %}{% if y == 4 %}{% break %}{% endif %}{{ x }}{{ y }} {% endfor %}{% endfor %}",
    "{% break %}",
    "{% for x in l %}{% for y in l %}{{ loop.index }}{% endfor %}{{ loop.index }} {% endfor %}",
    "{% for x in l %}{% set y = x %}{% endfor %}{{ y is defined }}",
    "{% set y = 0 %}{% for x in l %}{{ y }}{% set y = x %}{{ y }} {% endfor %}{{ y }}",
    "{% set ns = namespace(total=0) %}{% for x in l %}{% set ns.total = ns.total + x %}{% endfor %}{{ ns.total }}",
    "{% set ns = namespace() %}{% set ns.a = 1 %}{% set ns.b = ns.a + 1 %}{{ ns.b }}{{ ns.c is defined }}",
    "{% set d.x = 1 %}",
    "{% set q.x = 1 %}",
    "{% set ns = namespace() %}{% set ns.__x = 1 %}",
    "{% set a, b = 1, 2 %}{{ a }}{{ b }}",
    "{% set a, b = [1] %}",
    "{% set a = 1, 2 %}{{ a }}",
    "{% set a = b = 1 %}",
    "{% if t %}{% set z = 5 %}{% endif %}{{ z }}",
    "{% set x %}  block {{ i }} {% endset %}[{{ x }}]",
    "{% set x | upper | trim %}  block {% endset %}[{{ x }}]",
    "{% set x %}{% set inner = 1 %}{% endset %}{{ inner is defined }}",
    "{% with a = 1, b = 2 %}{{ a }}{{ b }}{% endwith %}{{ a is defined }}",
    "{% with %}{% set q = 1 %}{{ q }}{% endwith %}{{ q is defined }}",
    "{% filter upper %}abc {{ s }}{% endfilter %}",
    "{% filter replace('a', 'b')|upper %}aaa{% endfilter %}",
    "{% macro m(a, b=2, c='x') %}{{ a }}-{{ b }}-{{ c }};{% endmacro %}{{ m(1) }}{{ m(1, 3) }}{{ m(c=5, a=0) }}{{ m() }}",
    "{% macro m(a) %}{{ a is defined }}{% endmacro %}{{ m() }}{{ m(1) }}",
    "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, 2) }}",
    "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(b=2) }}",
    "{% macro m(a) %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, 3, z=4) }}",
    "{% macro m(a, b=a) %}{{ b }}{% endmacro %}{{ m(3) }}",
    "{% macro m() %}{{ caller() }}!{% endmacro %}{% call m() %}body {{ i }}{% endcall %}",
    "{% macro m(x) %}{{ caller(x) }}!{% endmacro %}{% call(y) m(5) %}got {{ y }}{% endcall %}",
    "{% macro m() %}x{% endmacro %}{% call m() %}body{% endcall %}",
    "{% macro outer() %}{% macro inner(x) %}<{{ x }}>{% endmacro %}{{ inner(1) }}{{ inner(2) }}{% endmacro %}{{ outer() }}",
    "{% macro f(k) %}{% if k > 0 %}{{ k }}{{ f(k - 1) }}{% endif %}{% endmacro %}{{ f(5) }}",
    "{% macro f() %}{{ later() }}{% endmacro %}{% macro later() %}ok{% endmacro %}{{ f() }}",
    "{% macro f() %}{{ g }}{% endmacro %}{% set g = 5 %}{{ f() }}",
    "{% macro f() %}{% set q = 1 %}{% endmacro %}{{ f() }}{{ q is defined }}",
    "{% macro f() %}{{ loop is defined }}{% endmacro %}{% for x in [1] %}{{ f() }}{% endfor %}",
    "{% macro f() %} a {% endmacro %}{{ f()|trim }}{{ f() is string }}",
    "{% macro m(a, b=1, c) %}{% endmacro %}",
    "{% macro m(*a) %}{% endmacro %}",
    "{% for x in l %}{% macro m() %}{{ x }}{% endmacro %}{{ m() }}{% endfor %}",
    "{% set args = [1, 2] %}{% macro m(a, b) %}{{ a }}{{ b }}{% endmacro %}{{ m(*args) }}{{ m(**{'a': 5}) }}",
    "{% generation %}hi {{ i }}{% endgeneration %}",
    "a\n  {% generation %}\n  hi\n  {% endgeneration %}\nb",
    "{% generation %}{% set q = 1 %}{% endgeneration %}{{ q is defined }}",
    "{% print 1, 'x' %}",
    "{% if t: %}x{% endif %}",
    "{% if %}x{% endif %}",
    "{% if t %}x",
    "{% if t %}x{% endfor %}",
    "{% for x in l %}",
    "{% endif %}",
    "{% nope %}",
    "{% %}",
    "{%",
    "{{",
    "{{ s",
    "{{ s }",
    "{{ s ]",
    "{{ a[\"foo\"(",
    "{{ (1, 2 }}",
    "{# x",
    "{% raw %}x",
    "}} %} #}",
    "{ { x } }",
    "{{ {'a': {'b': 1}} }}",
    "{{ '}}' }}{{ \"{%\" }}",
    "{% set x = '%}' %}{{ x }}",
    "{% include 'x' %}",
    "{% import 'x' as y %}",
    "{% extends 'x' %}",
    "{% do l.append(1) %}",
    "{% set true = 1 %}",
    "{% set 5 = 1 %}",
    "{% for x.y in l %}{% endfor %}",
    "{% else %}",
    "{% if t %}{% else %}{% else %}{% endif %}",
    "{% macro m %}{% endmacro %}",
    "{% set %}{% endset %}",
    "{{ x.y.z }}",
    "{{ d.a.q }}",
    "{{ d.a.q.r }}",
    "{% if d.q %}a{% endif %}{% if not d.q %}b{% endif %}",
    "{% if d.q.r %}a{% endif %}",
    "{% set loop = 5 %}{{ loop }}",
    "{{ loop }}",
    "{% for loop in l %}{{ loop }}{% endfor %}",
    "{% for x in l %}{{ x }}{% if not loop.last %}, {% endif %}{% endfor %}",
    "{% for m in people %}{{ m['name'] + ' ' + m.age|string }}{{ '\\n' if not loop.last }}{% endfor %}",
    "{% for x in people|selectattr('on') %}{{ x.name }}{{ loop.last }}{% endfor %}",
    "{%- for k, v in d | dictsort -%} {{ k }} {%- endfor -%}",
    "{%- set ns = namespace(x=[]) -%}{%- for w in words -%}{%- set ns.x = ns.x + [w] -%}{%- endfor -%}{{ ns.x }}",
    "{% set x = {'a': 1} %}{% set x = dict(x, b=2) %}{{ x }}",
    "{% for i in range(3) %}{{ i }}{% endfor %}{{ i }}",
    "{{ namespace(a=1) is mapping }}{{ namespace(a=1)['a'] }}",
    "\n\n{% if t %}\n\nx\n\n{% endif %}\n\n",
    "  {{ 1 }}  \n  {% set a = 1 %}  \n  b",
    "{% set a = 1 -%}\n\n  b {%- set c = 1 %}\n d",
    "{#- -#}",
    "a {#- x #} b {# y -#} c",
    "{%if t%}x{%endif%}{{1}}",
    "{% if t %}{{ '' }}{% endif %}{{ none }}{{ [] }}",
    "\u00a0{%- if t %} x{% endif -%}\u2003 y",
    "{% set 变量 = 1 %}{{ 变量 }}",
    "{{ “x” }}",
]

# A % inside {% %} or a quote may look odd here, but every line is one template.
SNIPPETS = ["{{ " + line + " }}" for line in EXPRESSIONS] + STATEMENTS
