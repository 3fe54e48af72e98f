// XXH3-64 (xxHash 0.8), seed 0: the hash of stored tensors in .fp4 files.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace fp4 {

class Xxh3 {
  public:
    Xxh3();
    ~Xxh3();
    Xxh3(Xxh3&&) noexcept;
    Xxh3& operator=(Xxh3&&) noexcept;

    void update(std::span<const uint8_t> bytes);
    uint64_t digest() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

uint64_t xxh3(std::string_view bytes);

std::string hash_text(uint64_t hash); // 16 lower-case hexadecimal digits, most significant first
bool parse_hash(std::string_view text, uint64_t& hash);

} // namespace fp4
