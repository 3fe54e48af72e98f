// The four places of a layer where linears take their input: weights of one site share its transform and
// rounding. A .fp4 file carries what its weights were made for (io/README.md, "Input sites").
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libfp4/format/linear_input.h"
#include "libfp4/io/checkpoint.h"
#include "libfp4/io/fp4_writer.h"
#include "libfp4/model/config.h"

namespace fp4 {

class JsonWriter;

enum class Site : uint8_t { qkv, o, gate_up, down };
inline constexpr std::array all_sites{Site::qkv, Site::o, Site::gate_up, Site::down};
inline constexpr std::array<std::string_view, 4> site_names{"qkv", "o", "gate_up", "down"};
constexpr std::string_view site_name(Site site) {
    return site_names[static_cast<size_t>(site)];
}
uint64_t site_width(const ModelConfig& config, Site site); // K of its linears

struct SiteDefinition {
    InputTransform transform;
    // What the file stores the matrices in, whose numbers are exact in it; nullopt: F32.
    std::optional<BlockFormat> matrix_format;
    std::optional<ActivationFormat> activation; // what the weights were quantized for
};
using LayerSites = std::array<SiteDefinition, 4>; // by Site

// A definition without the numbers of its transform.
struct SiteOutline {
    InputTransform::Kind kind = InputTransform::Kind::identity;
    uint32_t block = 0;
    uint64_t matrices = 0; // kind == matrix: 1, or one for each block
    std::optional<BlockFormat> matrix_format;
    bool scaled = false; // has channel scales
    std::optional<ActivationFormat> activation;

    bool has_transform() const { return kind != InputTransform::Kind::identity || scaled; }
    bool operator==(const SiteOutline&) const = default;
};
using LayerOutlines = std::array<SiteOutline, 4>;

// Of every layer; reads headers and the document only. All identity where the checkpoint has none. Errors
// name the file and the key or tensor.
Result<std::vector<LayerOutlines>> outline_input_sites(const Checkpoint& checkpoint,
                                                       const ModelConfig& config);
// With its numbers, which are checked to be finite.
Result<SiteDefinition> read_input_site(const Checkpoint& checkpoint, uint32_t layer, Site site,
                                       const SiteOutline& outline);
// All at once: large where there are matrices for each block.
Result<std::vector<LayerSites>> read_input_sites(const Checkpoint& checkpoint, const ModelConfig& config);

// Sites as a .fp4 file stores them: tensors and the document that says what they are.
struct SiteTensor {
    Fp4TensorPlan plan;            // F32 or an MX format
    std::span<const float> values; // of the definitions it was made from
};
struct SiteStorage {
    Fp4Document document;
    std::vector<SiteTensor> tensors;
};
// nullopt where every site is the identity and says nothing of rounding.
std::optional<SiteStorage> site_document(const std::vector<LayerSites>& layers);

// The tensor that the writer has at `index` of its plan. Returns its bytes.
Result<uint64_t> write_site_tensor(Fp4Writer& writer, size_t index, const SiteTensor& tensor);

// Whether a tensor of a .fp4 file belongs to a site instead of being a weight.
bool is_site_tensor(std::string_view name);

// For people: sites that are alike together, [{"site", "layers": "0-5 7", ...}].
void describe_input_sites(JsonWriter& json, const std::vector<LayerOutlines>& layers);

} // namespace fp4
