#include "chat_settings.h"

#include <charconv>
#include <cmath>

#include "human.h"

namespace fp4::program {
namespace {

template <class Number>
bool parse_number(const std::string& text, double low, double high, Number& out) {
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return false;
    const auto wide = static_cast<double>(value);
    if (!(wide >= low && wide <= high)) return false;
    out = value;
    return true;
}

} // namespace

bool ChatSettings::set(const std::string& key, const std::string& value) {
    if (key == "temp") return parse_number(value, 0, 100, sampling.temperature);
    if (key == "top-k") return parse_number(value, 0, 1e9, sampling.top_k);
    if (key == "top-p") return parse_number(value, 0, 1, sampling.top_p);
    if (key == "min-p") return parse_number(value, 0, 1, sampling.min_p);
    if (key == "repetition-penalty") return parse_number(value, 0.01, 100, sampling.repetition_penalty);
    if (key == "presence-penalty") return parse_number(value, -100, 100, sampling.presence_penalty);
    if (key == "frequency-penalty") return parse_number(value, -100, 100, sampling.frequency_penalty);
    if (key == "penalty-last-n") return parse_number(value, 0, 1e9, sampling.penalty_last_n);
    if (key == "seed") return parse_number(value, 0, HUGE_VAL, sampling.seed);
    if (key == "max-tokens") return parse_number(value, 0, HUGE_VAL, max_tokens);
    return false;
}

std::string ChatSettings::list() const {
    std::string text;
    text += format_text("temp               %g\n", static_cast<double>(sampling.temperature));
    text += format_text("top-k              %d\n", sampling.top_k);
    text += format_text("top-p              %g\n", static_cast<double>(sampling.top_p));
    text += format_text("min-p              %g\n", static_cast<double>(sampling.min_p));
    text += format_text("repetition-penalty %g\n", static_cast<double>(sampling.repetition_penalty));
    text += format_text("presence-penalty   %g\n", static_cast<double>(sampling.presence_penalty));
    text += format_text("frequency-penalty  %g\n", static_cast<double>(sampling.frequency_penalty));
    text += format_text("penalty-last-n     %d\n", sampling.penalty_last_n);
    text += format_text("seed               %llu\n", static_cast<unsigned long long>(sampling.seed));
    text += format_text("max-tokens         %u", max_tokens);
    return text;
}

} // namespace fp4::program
