// Token texts by id and ids by text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libfp4/base/result.h"

namespace fp4::tokenization {

// Far above any known vocabulary; they bound what a hostile file can make us allocate.
inline constexpr int64_t max_token_id = (1 << 22) - 1;
inline constexpr size_t max_token_bytes = 1 << 16;

class Vocabulary {
  public:
    void reserve(size_t tokens, size_t bytes);

    // Ids may come in any order and leave holes; one id cannot be given twice. Only searchable tokens are
    // found by find(): ordinary text may become them. Of two searchable tokens with one text the later is
    // found.
    Result<void> add(int64_t id, std::string_view text, bool searchable);

    size_t size() const { return spans_.size(); } // largest id + 1
    bool contains(int64_t id) const;
    std::string_view text(int32_t id) const; // empty for a hole
    std::optional<int32_t> find(std::string_view text) const;

  private:
    struct Span {
        uint32_t begin = 0;
        uint32_t length = hole;
    };
    static constexpr uint32_t hole = UINT32_MAX;

    // Part of the hash beside the id: nearly every look that finds nothing ends without touching the texts.
    struct Slot {
        int32_t id = -1; // -1 is free
        uint32_t tag = 0;
    };

    void grow_index(size_t entries);
    void index(int32_t id);
    size_t find_slot(std::string_view text, uint64_t hash) const; // where it is or would go

    std::string bytes_;
    std::vector<Span> spans_;
    std::vector<Slot> slots_; // open addressing, a power of two
    size_t indexed_ = 0;
};

} // namespace fp4::tokenization
