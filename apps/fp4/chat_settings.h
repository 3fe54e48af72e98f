#pragma once

#include <fp4.h>

#include <cstdint>
#include <string>

namespace fp4::program {

/// What /set changes inside a chat.
struct ChatSettings {
    fp4_sampling sampling;
    uint32_t max_tokens = 0;

    /// Sets "temp", "top-k" ... from text. False if there is no such key or the value is none for it.
    bool set(const std::string& key, const std::string& value);

    /// All keys with their values, one a line.
    std::string list() const;
};

} // namespace fp4::program
