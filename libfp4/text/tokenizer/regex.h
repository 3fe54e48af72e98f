// A compiled regular expression (PCRE2 with JIT, Unicode properties). Immutable and thread-safe.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "libfp4/base/result.h"

struct pcre2_real_code_8;
struct pcre2_real_match_data_8;
struct pcre2_real_match_context_8;
struct pcre2_real_jit_stack_8;

namespace fp4::tokenization {

struct Span {
    size_t begin = 0;
    size_t end = 0;
};

class Regex {
  public:
    // `pattern` is in Oniguruma's syntax, as tokenizer files have it.
    static Result<Regex> compile(std::string_view pattern);

  private:
    friend class RegexSearch;
    explicit Regex(std::shared_ptr<const pcre2_real_code_8> code) : code_(std::move(code)) {}
    std::shared_ptr<const pcre2_real_code_8> code_;
};

// Walks over the matches in a text, left to right and without overlap. Holds the scratch memory of one
// thread; use one search for many texts. The Regex must outlive it.
class RegexSearch {
  public:
    explicit RegexSearch(const Regex& regex);
    ~RegexSearch();
    RegexSearch(const RegexSearch&) = delete;
    RegexSearch& operator=(const RegexSearch&) = delete;

    // `text` must be valid UTF-8 and outlive the walk.
    void start(std::string_view text);

    // False at the end of the text. Fails with Status::limit when the pattern backtracks without bound.
    Result<bool> next(Span& match);

  private:
    int match_at(size_t position);
    bool grow_stack();

    const Regex& regex_;
    std::string_view text_;
    size_t position_ = 0;
    size_t last_end_ = 0;
    bool matched_ = false;
    pcre2_real_match_data_8* data_;
    pcre2_real_match_context_8* context_;
    pcre2_real_jit_stack_8* stack_ = nullptr;
};

} // namespace fp4::tokenization
