// The four places of a layer where linears take their input: weights of one site share its transform and
// rounding.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string_view>

#include "libfp4/engine/backend.h"

namespace fp4 {

enum class Site : uint8_t { qkv, o, gate_up, down };
inline constexpr std::array all_sites{Site::qkv, Site::o, Site::gate_up, Site::down};
inline constexpr std::array<std::string_view, 4> site_names{"qkv", "o", "gate_up", "down"};
constexpr std::string_view site_name(Site site) {
    return site_names[static_cast<size_t>(site)];
}

// A site of a loaded layer.
struct InputSite {
    std::unique_ptr<Transform> transform;       // null: identity
    std::optional<ActivationFormat> activation; // what the weights were quantized for
};

} // namespace fp4
