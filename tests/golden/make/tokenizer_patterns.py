"""Word patterns of published models, and patterns that Oniguruma and PCRE2 read differently."""

LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN2 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
DEEPSEEK_V3 = [
    r"\p{N}{1,3}",
    r"[一-龥぀-ゟ゠-ヿ]+",
    r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
]
GPT4O = "|".join([
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"\p{N}{1,3}", r" ?[^\s\p{L}\p{N}]+[\r\n/]*", r"\s*[\r\n]+", r"\s+(?!\S)", r"\s+",
])
TEKKEN = "|".join([
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*",
    r"\p{N}", r" ?[^\s\p{L}\p{N}]+[\r\n/]*", r"\s*[\r\n]+", r"\s+(?!\S)", r"\s+",
])
POSSESSIVE = r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"
HAN_EXCLUDED = "|".join([
    r"[\p{Han}]+",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+",
    r"\p{N}{1,3}", r" ?[^\s\p{L}\p{N}]+[\r\n]*", r"\s*[\r\n]+", r"\s+(?!\S)", r"\s+",
])

PUBLISHED = [LLAMA3, QWEN2, *DEEPSEEK_V3, GPT4O, TEKKEN, POSSESSIVE, HAN_EXCLUDED]

# Each of these means something else, or nothing, to PCRE2 as it stands.
DIFFERENT = [
    r"\s+", r"\S+", r"\w+", r"\W+", r"\h+", r"\H+", r"\bw\w*", r"\B\w",
    r"[\s,]+", r"[^\s,]+", r"[\w-]+", r"[\S]+", r"[\h]+", r"[^\w\s]+", r"[\s-]+",
    r"\u0041|\u4f60", r"[\u0400-\u04ff]+",
    r"\d{1,2}+", r"\d{,2}x", r"(?:ab){2}?", r"\p{N}{2}+", r"a{", r"x{1,2}?",
    r"[a-z&&[^aeiou]]+", r"[^a-z&&[aeiou]]+", r"[\p{L}&&[a-zA-Z]&&[^xyz]]+", r"[a-c[x-z]]+", r"[[^a-z]]+", r"[^[a-z]]+",
    r"(?m:a.*b)", r"a.*b", r"^\w", r"\w$", r"(?i)word", r"(?i:STRASSE|K)",
    r"\p{Letter}+", r"\p{^L}+", r"\p{Uppercase_Letter}+", r"\p{Alpha}+", r"\p{Greek}+", r"\p{Han}", r"\p{Punctuation}",
    r"[[:alpha:]]+", r"[[:digit:]]+", r"[[:punct:]]", r"\R", r"(?<=a)b", r"(?<!\S)\w", r"(a|ab)(c|bcd)?", r"()", r"x*",
]
