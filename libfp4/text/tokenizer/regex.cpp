#include "libfp4/text/tokenizer/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <new>
#include <string>

#include "libfp4/text/tokenizer/regex_syntax.h"
#include "libfp4/text/tokenizer/utf8.h"

namespace fp4::tokenization {

namespace {

// Backtracking steps one match may take. One match can be the whole text, and honest patterns step back at
// most a few times over each character of it.
constexpr uint32_t base_match_limit = 1'000'000;
constexpr uint64_t match_limit_per_byte = 16;

// Most patterns run in the 32 KiB of machine stack that the JIT has by itself.
constexpr size_t jit_stack_start = 256 << 10;
constexpr size_t jit_stack_most = 64 << 20;
constexpr uint32_t heap_limit_kib = 64 << 10; // for the interpreter, where there is no JIT

} // namespace

Result<Regex> Regex::compile(std::string_view pattern) {
    if (valid_utf8_prefix(pattern) != pattern.size()) {
        return error(Status::format, "regular expression is not valid UTF-8");
    }
    FP4_ASSIGN(std::string translated, pcre2_from_oniguruma(pattern));
    pcre2_compile_context* context = pcre2_compile_context_create(nullptr);
    if (context == nullptr) throw std::bad_alloc();
    pcre2_set_newline(context, PCRE2_NEWLINE_LF);
    int code = 0;
    PCRE2_SIZE offset = 0;
    auto* compiled = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated.data()), translated.size(),
                                   PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C, &code,
                                   &offset, context);
    pcre2_compile_context_free(context);
    if (compiled == nullptr) {
        char reason[256] = "";
        pcre2_get_error_message(code, reinterpret_cast<PCRE2_UCHAR*>(reason), sizeof(reason));
        return error(Status::unsupported, "regular expression '", pattern, "' does not compile: ", reason);
    }
    // Where there is no JIT for the processor, PCRE2 interprets instead.
    pcre2_jit_compile(compiled, PCRE2_JIT_COMPLETE);
    return Regex(std::shared_ptr<const pcre2_code>(
        compiled, [](const pcre2_code* p) { pcre2_code_free(const_cast<pcre2_code*>(p)); }));
}

RegexSearch::RegexSearch(const Regex& regex)
    : regex_(regex),
      data_(pcre2_match_data_create(1, nullptr)),
      context_(pcre2_match_context_create(nullptr)) {
    if (data_ == nullptr || context_ == nullptr) {
        pcre2_match_data_free(data_);
        pcre2_match_context_free(context_);
        throw std::bad_alloc();
    }
    pcre2_set_heap_limit(context_, heap_limit_kib);
}

RegexSearch::~RegexSearch() {
    pcre2_match_data_free(data_);
    pcre2_match_context_free(context_);
    pcre2_jit_stack_free(stack_);
}

void RegexSearch::start(std::string_view text) {
    text_ = text;
    position_ = last_end_ = 0;
    matched_ = false;
    uint64_t limit = base_match_limit + match_limit_per_byte * text.size();
    pcre2_set_match_limit(context_, static_cast<uint32_t>(std::min<uint64_t>(limit, UINT32_MAX)));
}

int RegexSearch::match_at(size_t position) {
    return pcre2_match(regex_.code_.get(), reinterpret_cast<PCRE2_SPTR>(text_.data()), text_.size(), position,
                       PCRE2_NO_UTF_CHECK, data_, context_);
}

bool RegexSearch::grow_stack() {
    if (stack_ != nullptr) return false;
    stack_ = pcre2_jit_stack_create(jit_stack_start, jit_stack_most, nullptr);
    if (stack_ == nullptr) throw std::bad_alloc();
    pcre2_jit_stack_assign(context_, nullptr, stack_);
    return true;
}

Result<bool> RegexSearch::next(Span& match) {
    while (position_ <= text_.size()) {
        int code = match_at(position_);
        if (code == PCRE2_ERROR_JIT_STACKLIMIT && grow_stack()) code = match_at(position_);
        if (code == PCRE2_ERROR_NOMATCH) break;
        if (code == PCRE2_ERROR_NOMEMORY) throw std::bad_alloc();
        if (code < 0) {
            char reason[256] = "";
            pcre2_get_error_message(code, reinterpret_cast<PCRE2_UCHAR*>(reason), sizeof(reason));
            return error(Status::limit, "regular expression of the pre-tokenizer gave up at byte ", position_,
                         " of ", text_.size(), ": ", reason);
        }
        const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(data_);
        // \K inside look-ahead can put the start behind the end; such a match counts as empty.
        match = {std::min(ends[0], ends[1]), ends[1]};
        if (match.begin == match.end && matched_ && match.end == last_end_) {
            // An empty match right after a match is no match; look on from the next character.
            position_ = match.end + (match.end < text_.size() ? decode_utf8(text_, match.end).length : 1);
            continue;
        }
        matched_ = true;
        position_ = last_end_ = match.end;
        return true;
    }
    position_ = text_.size() + 1;
    return false;
}

} // namespace fp4::tokenization
