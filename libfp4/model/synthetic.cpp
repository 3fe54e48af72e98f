#include "libfp4/model/synthetic.h"

#include <cmath>
#include <cstring>
#include <map>

#include "libfp4/format/element.h"
#include "libfp4/io/random_source.h"
#include "libfp4/io/stored_checkpoint.h"
#include "libfp4/io/xxh3.h"
#include "libfp4/model/roles.h"

namespace fp4 {
namespace {

using Kind = TensorEncoding::Kind;

constexpr uint64_t pool_values = 32; // of a block of a pool: whole blocks of every format

struct Numbers {
    float mean = 0.0f, deviation = 1.0f;
    auto operator<=>(const Numbers&) const = default;
};

// Blocks of numbers as a tensor stores them.
struct Pool {
    std::shared_ptr<const BlockPool> data, scales;
    float tensor_scale = 1.0f;
};

std::shared_ptr<BlockPool> empty_pool(size_t block_bytes) {
    auto pool = std::make_shared<BlockPool>();
    pool->block_bytes = block_bytes;
    pool->bytes.resize(BlockPool::blocks * block_bytes);
    return pool;
}

Pool plain_pool(DType dtype, const std::vector<float>& values) {
    const size_t size = dtype_size(dtype);
    auto data = empty_pool(pool_values * size);
    for (size_t i = 0; i < values.size(); ++i) {
        uint8_t* place = data->bytes.data() + i * size;
        if (dtype == DType::f32) {
            std::memcpy(place, &values[i], size);
        } else {
            const uint16_t code = dtype == DType::bf16 ? encode_bf16(values[i]) : encode_f16(values[i]);
            std::memcpy(place, &code, size);
        }
    }
    return {data, nullptr, 1.0f};
}

Pool block_pool(BlockFormat format, const std::vector<float>& values) {
    const size_t count = values.size();
    auto codes = empty_pool(row_code_bytes(format, pool_values)),
         scales = empty_pool(row_scales(format, pool_values));
    Pool pool{codes, scales, tensor_scale_for(format, ScaleRule::mse, row_amax(values.data(), count))};
    quantize_row(format, ScaleRule::mse, pool.tensor_scale, values.data(), count, codes->bytes.data(),
                 scales->bytes.data());
    return pool;
}

// Pools of a model: one for each encoding and distribution.
class Pools {
  public:
    explicit Pools(uint64_t seed) : seed_(seed) {}
    const Pool& get(const TensorEncoding& encoding, const Numbers& numbers) {
        Pool& pool = pools_[{encoding.kind == Kind::block, numbers}];
        if (!pool.data) {
            const std::vector<float> values =
                normal_numbers(BlockPool::blocks * pool_values, numbers.mean, numbers.deviation, seed_);
            pool = encoding.kind == Kind::block ? block_pool(encoding.block, values)
                                                : plain_pool(encoding.dtype, values);
        }
        return pool;
    }

  private:
    uint64_t seed_;
    std::map<std::pair<bool, Numbers>, Pool> pools_;
};

Numbers numbers_for(const TensorSlot& slot, const ModelConfig& config) {
    if (is_matrix(slot.role)) return {0.0f, 1.0f / std::sqrt(static_cast<float>(slot.cols))};
    if (is_norm(slot.role)) return {config.norm_plus_one ? 0.0f : 1.0f, 0.1f};
    return {0.0f, 0.1f}; // biases
}

StoredBytes tensor_scale_bytes(float scale) {
    if (scale == 1.0f) return {};
    std::vector<uint8_t> bytes(sizeof scale);
    std::memcpy(bytes.data(), &scale, sizeof scale);
    return {memory_source("tensor scale", std::move(bytes)), 0};
}

Result<StoredTensor> make_tensor(const SyntheticModel& model, const TensorSlot& slot, Pools& pools) {
    StoredTensor tensor;
    TensorInfo& info = tensor.info;
    info.name = canonical_name(model.config, slot.role, slot.layer);
    info.shape = {slot.rows, slot.cols};
    if (slot.rows == 1 && !is_matrix(slot.role)) info.shape = {slot.cols};
    if (is_matrix(slot.role)) info.encoding = model.matrices;
    const bool blocks = info.encoding.kind == Kind::block;
    if (blocks && slot.cols % pool_values != 0) {
        return error(Status::unsupported, "the synthetic model: '", info.name, "' has rows of ", slot.cols,
                     " numbers; those in a block format must be whole blocks of ", pool_values);
    }
    const uint64_t elements = slot.rows * slot.cols, count = (elements + pool_values - 1) / pool_values;
    const uint64_t seed = xxh3(concat(model.seed, ' ', info.name));
    const Pool& pool = pools.get(info.encoding, numbers_for(slot, model.config));
    tensor.data = {random_source(info.name, pool.data, seed, count), 0};
    info.stored_bytes = elements * dtype_size(info.encoding.dtype);
    if (blocks) {
        tensor.scales = {random_source(info.name, pool.scales, seed, count), 0};
        tensor.tensor_scale = tensor_scale_bytes(pool.tensor_scale);
        info.stored_bytes = count * (pool.data->block_bytes + pool.scales->block_bytes) +
                            (tensor.tensor_scale.source ? sizeof(float) : 0);
    }
    return tensor;
}

} // namespace

Result<TensorEncoding> matrix_encoding(std::string_view format) {
    TensorEncoding encoding;
    if (auto block = parse_block_format(format)) {
        encoding.kind = Kind::block;
        encoding.block = *block;
        return encoding;
    }
    for (auto [name, dtype] : {std::pair{"bf16", DType::bf16}, {"f16", DType::f16}, {"f32", DType::f32}}) {
        encoding.dtype = dtype;
        if (format == name) return encoding;
    }
    return error(
        Status::argument, "there is no weight format '", format,
        "'; known are mxfp4, nvfp4, mxfp8-e4m3, mxfp8-e5m2, mxfp6-e2m3, mxfp6-e3m2, mxint8, bf16, f16 "
        "and f32");
}

Result<std::shared_ptr<Checkpoint>> synthetic_checkpoint(const SyntheticModel& model) {
    FP4_TRY(validate_config(model.config, "the synthetic model"));
    Pools pools(model.seed);
    StoredCheckpoint::Contents contents;
    contents.name = model.config.name.empty() ? "synthetic" : model.config.name;
    contents.kind = "synthetic";
    for (const TensorSlot& slot : tensor_slots(model.config)) {
        if (!slot.required) continue;
        FP4_ASSIGN(StoredTensor tensor, make_tensor(model, slot, pools));
        contents.tensors.push_back(std::move(tensor));
    }
    contents.documents["config.json"] = [text = config_to_json(model.config)]() -> Result<std::string> {
        return text;
    };
    return std::shared_ptr<Checkpoint>(std::make_shared<StoredCheckpoint>(std::move(contents)));
}

} // namespace fp4
