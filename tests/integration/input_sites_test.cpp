// Models whose weights carry the inverse of an input transform, as .fp4 files: they compute what the plain
// model computes, and files that say something else are refused.
#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <random>

#include "libfp4/cpu/cpu_backend.h"
#include "libfp4/io/fp4_writer.h"
#include "libfp4/model/describe.h"
#include "tests/integration/made_model.h"
#include "tests/integration/test_models.h"

using namespace fp4;
using namespace fp4::test;

namespace {

constexpr uint32_t layers = 2, hidden = 64, ffn = 128;
const MadeShape shape{.hidden = hidden, .ffn = ffn, .layers = layers, .heads = 2, .kv_heads = 1};
const std::vector<int32_t> prompt{1, 200, 13, 77, 5, 5, 42, 260, 9};

std::vector<std::string> linears_of(Site site) {
    switch (site) {
        case Site::qkv:
            return {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"};
        case Site::o:
            return {"self_attn.o_proj"};
        case Site::gate_up:
            return {"mlp.gate_proj", "mlp.up_proj"};
        case Site::down:
            return {"mlp.down_proj"};
    }
    return {};
}

size_t width_of(Site site) {
    return site == Site::down ? ffn : hidden;
}

enum class Variant { hadamard, one_matrix, matrix_per_block, channel_scale, scaled_matrix };

InputTransform make_transform(Variant variant, Site site, std::mt19937& random) {
    std::uniform_real_distribution<float> small(-0.05f, 0.05f), factor(0.5f, 2.0f);
    InputTransform transform;
    const size_t width = width_of(site);
    if (variant == Variant::hadamard) transform = {InputTransform::Kind::hadamard, 32, {}, {}};
    if (variant == Variant::one_matrix || variant == Variant::matrix_per_block ||
        variant == Variant::scaled_matrix) {
        transform = {InputTransform::Kind::matrix, 16, {}, {}};
        const size_t matrices = variant == Variant::matrix_per_block ? width / 16 : 1;
        for (size_t i = 0; i < matrices * 256; ++i) // well away from singular: the identity and a little
            transform.matrix.push_back((i % 256 % 17 == 0 ? 1.0f : 0.0f) + small(random));
    }
    if (variant == Variant::channel_scale || variant == Variant::scaled_matrix) {
        transform.channel_scale.resize(width);
        for (float& scale : transform.channel_scale) scale = factor(random);
    }
    return transform;
}

// The matrix of a block, row-major.
std::vector<double> matrix_of(const InputTransform& transform, size_t block_index) {
    const size_t block = transform.block;
    std::vector<double> matrix(block * block);
    for (size_t i = 0; i < matrix.size(); ++i) {
        if (transform.kind == InputTransform::Kind::hadamard) {
            const bool odd = std::popcount(i / block & i % block) % 2 != 0;
            matrix[i] = (odd ? -1.0 : 1.0) / std::sqrt(double(block));
        } else {
            const size_t matrices = transform.matrix.size() / matrix.size();
            matrix[i] = transform.matrix[(matrices > 1 ? block_index : 0) * matrix.size() + i];
        }
    }
    return matrix;
}

// Solves M y = x (Gauss and Jordan, with pivoting).
std::vector<double> solve(std::vector<double> m, std::vector<double> x) {
    const size_t n = x.size();
    for (size_t column = 0; column < n; ++column) {
        size_t pivot = column;
        for (size_t row = column; row < n; ++row)
            if (std::abs(m[row * n + column]) > std::abs(m[pivot * n + column])) pivot = row;
        for (size_t j = 0; j < n; ++j) std::swap(m[pivot * n + j], m[column * n + j]);
        std::swap(x[pivot], x[column]);
        for (size_t row = 0; row < n; ++row) {
            if (row == column) continue;
            const double factor = m[row * n + column] / m[column * n + column];
            for (size_t j = 0; j < n; ++j) m[row * n + j] -= factor * m[column * n + j];
            x[row] -= factor * x[column];
        }
    }
    for (size_t i = 0; i < n; ++i) x[i] /= m[i * n + i];
    return x;
}

// With x' = x S M the products stay the same for w' = M^-1 S^-1 w, for each row w of the weight.
void fold(const InputTransform& transform, MadeTensor& weight) {
    const size_t width = weight.shape[1];
    for (size_t start = 0; start < weight.values.size(); start += width) {
        float* row = weight.values.data() + start;
        for (size_t j = 0; j < transform.channel_scale.size(); ++j) row[j] /= transform.channel_scale[j];
        if (transform.kind == InputTransform::Kind::identity) continue;
        for (size_t first = 0; first < width; first += transform.block) {
            std::vector<double> part(row + first, row + first + transform.block);
            part = solve(matrix_of(transform, first / transform.block), std::move(part));
            for (size_t j = 0; j < part.size(); ++j) row[first + j] = static_cast<float>(part[j]);
        }
    }
}

// A file in the making, with whatever mistakes a test puts in.
struct Fp4Model {
    std::vector<MadeTensor> tensors = made_tensors(shape); // weights
    std::vector<MadeTensor> site_tensors;
    std::string document; // input_sites.json; empty: none
    enum class Linears { f32, mxfp4, mxfp4_decoded } linears = Linears::f32;

    void set_sites(const std::vector<LayerSites>& sites) {
        auto storage = site_document(sites);
        REQUIRE(storage.has_value());
        CHECK(storage->document.name == "input_sites.json");
        document = storage->document.content;
        for (const SiteTensor& tensor : storage->tensors) {
            site_tensors.push_back({tensor.plan.name, tensor.plan.shape,
                                    std::vector<float>(tensor.values.begin(), tensor.values.end())});
        }
        for (uint32_t layer = 0; layer < layers; ++layer)
            for (Site site : all_sites)
                for (const std::string& name : linears_of(site))
                    fold(sites[layer][static_cast<size_t>(site)].transform,
                         find_tensor(tensors, concat("model.layers.", layer, ".", name, ".weight")));
    }

    void write(const std::filesystem::path& path) const {
        std::vector<const MadeTensor*> all;
        for (const MadeTensor& tensor : tensors) all.push_back(&tensor);
        for (const MadeTensor& tensor : site_tensors) all.push_back(&tensor);
        std::vector<Fp4TensorPlan> plan;
        for (const MadeTensor* tensor : all)
            plan.push_back({tensor->name, {.kind = kind(*tensor), .dtype = DType::f32}, tensor->shape});
        std::vector<Fp4Document> documents{{"config.json", made_config(shape)}};
        if (!document.empty()) documents.push_back({"input_sites.json", document});
        auto writer = Fp4Writer::create(path.string(), plan, documents, "{}");
        REQUIRE_MESSAGE(writer.ok(), writer.error().message);
        for (size_t i = 0; i < all.size(); ++i) {
            auto written = write_tensor(**writer, i, *all[i]);
            REQUIRE_MESSAGE(written.ok(), written.error().message);
        }
        REQUIRE((*writer)->finish().ok());
    }

  private:
    static bool is_linear(const MadeTensor& tensor) {
        return tensor.name.find("_proj.weight") != std::string::npos;
    }
    TensorEncoding::Kind kind(const MadeTensor& tensor) const {
        return linears == Linears::mxfp4 && is_linear(tensor) ? TensorEncoding::Kind::block
                                                              : TensorEncoding::Kind::plain;
    }
    Result<void> write_tensor(Fp4Writer& writer, size_t index, const MadeTensor& tensor) const {
        std::vector<float> values = tensor.values;
        if (linears != Linears::f32 && is_linear(tensor)) {
            const size_t k = tensor.shape[1], rows = tensor.shape[0];
            const size_t code_bytes = row_code_bytes(BlockFormat::mxfp4, k);
            const size_t scale_bytes = row_scales(BlockFormat::mxfp4, k);
            std::vector<uint8_t> codes(rows * code_bytes), scales(rows * scale_bytes);
            for (size_t r = 0; r < rows; ++r) {
                uint8_t *row_codes = codes.data() + r * code_bytes,
                        *row_scales = scales.data() + r * scale_bytes;
                quantize_row(BlockFormat::mxfp4, ScaleRule::mse, 1.0f, values.data() + r * k, k, row_codes,
                             row_scales);
                dequantize_row(BlockFormat::mxfp4, 1.0f, row_codes, row_scales, k, values.data() + r * k);
            }
            if (linears == Linears::mxfp4) return writer.write_rows(index, 0, codes, scales);
        }
        std::span bytes(reinterpret_cast<const uint8_t*>(values.data()), 4 * values.size());
        return writer.write_plain_rows(index, 0, bytes);
    }
};

std::vector<LayerSites> uniform_sites(Variant variant, std::optional<ActivationFormat> activation = {}) {
    std::mt19937 random(static_cast<uint32_t>(variant) + 7);
    std::vector<LayerSites> sites(layers);
    for (LayerSites& layer : sites)
        for (Site site : all_sites)
            layer[static_cast<size_t>(site)] = {make_transform(variant, site, random), std::nullopt,
                                                activation};
    return sites;
}

std::vector<float> logits_of(const std::filesystem::path& path, Path numeric_path = Path::automatic) {
    ContextConfig config;
    config.kv_format = KvFormat::f32;
    config.path_prefill = config.path_decode = numeric_path;
    auto context = make_context(load_model(path), config);
    auto evaluated = context->eval(prompt, false);
    REQUIRE_MESSAGE(evaluated.ok(), evaluated.error().message);
    return last_logits(*context);
}

double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
    double largest = 0;
    for (size_t i = 0; i < a.size(); ++i) {
        const double difference = std::abs(double(a[i]) - b[i]);
        if (!(difference <= largest)) largest = difference; // keeps NaN
    }
    return largest;
}

constexpr Variant all_variants[] = {Variant::hadamard, Variant::one_matrix, Variant::matrix_per_block,
                                    Variant::channel_scale, Variant::scaled_matrix};

} // namespace

TEST_CASE("transforms that the weights undo leave the logits as they are") {
    TemporaryFolder folder;
    Fp4Model().write(folder / "plain.fp4");
    const std::vector<float> plain = logits_of(folder / "plain.fp4");
    for (Variant variant : all_variants) {
        CAPTURE(static_cast<int>(variant));
        Fp4Model made;
        made.set_sites(uniform_sites(variant));
        made.write(folder / "made.fp4");
        CHECK(largest_difference(logits_of(folder / "made.fp4"), plain) < 1e-4);
        // Without its sites the same file is another model.
        made.document.clear();
        made.site_tensors.clear();
        made.write(folder / "made.fp4");
        CHECK(largest_difference(logits_of(folder / "made.fp4"), plain) > 1e-2);
    }
}

TEST_CASE("one site of one layer alone") {
    TemporaryFolder folder;
    Fp4Model().write(folder / "plain.fp4");
    const std::vector<float> plain = logits_of(folder / "plain.fp4");
    std::mt19937 random(3);
    for (Site site : all_sites) {
        CAPTURE(site_name(site));
        std::vector<LayerSites> sites(layers);
        sites[1][static_cast<size_t>(site)].transform =
            make_transform(Variant::matrix_per_block, site, random);
        Fp4Model made;
        made.set_sites(sites);
        CHECK(made.site_tensors.size() == 1);
        made.write(folder / "made.fp4");
        CHECK(largest_difference(logits_of(folder / "made.fp4"), plain) < 1e-4);
    }
}

TEST_CASE("quantized weights with transforms run on the paths for them") {
    TemporaryFolder folder;
    Fp4Model().write(folder / "plain.fp4");
    const std::vector<float> plain = logits_of(folder / "plain.fp4");
    double power = 0;
    for (float value : plain) power += double(value) * value;
    auto relative_error = [&](const std::vector<float>& logits) {
        double error = 0;
        for (size_t i = 0; i < plain.size(); ++i) error += std::pow(double(logits[i]) - plain[i], 2);
        return error / power;
    };
    for (Variant variant : all_variants) {
        CAPTURE(static_cast<int>(variant));
        using Kind = ActivationFormat::Kind;
        const ActivationFormat floor{Kind::mxfp4, ScaleRule::floor};
        const ActivationFormat fixed{Kind::nvfp4, ScaleRule::amax, 0x1p-8f};
        std::vector<std::vector<float>> w4a4;
        for (const ActivationFormat& activation : {floor, fixed}) {
            Fp4Model made;
            made.linears = Fp4Model::Linears::mxfp4;
            made.set_sites(uniform_sites(variant, activation));
            made.write(folder / "made.fp4");
            const std::vector<float> w4a16 = logits_of(folder / "made.fp4", Path::w4a16);
            w4a4.push_back(logits_of(folder / "made.fp4", Path::w4a4));
            made.linears = Fp4Model::Linears::mxfp4_decoded;
            made.write(folder / "made.fp4");
            CHECK(largest_difference(w4a16, logits_of(folder / "made.fp4", Path::w16a16)) < 1e-4);
            // Random weights of a small model round badly; unrelated logits would be off by 2.
            CHECK(relative_error(w4a16) < 0.25);
            CHECK(relative_error(w4a4.back()) < 0.6);
        }
        CHECK(w4a4[0] != w4a4[1]); // what the file asks for is what is done
    }
}

TEST_CASE("sites come back from a file as they were given") {
    TemporaryFolder folder;
    auto sites = uniform_sites(Variant::scaled_matrix,
                               ActivationFormat{ActivationFormat::Kind::nvfp4, ScaleRule::amax, 0.1f});
    sites[0][1] = {}; // an identity
    sites[1][2] = {{InputTransform::Kind::hadamard, 64, {}, {}},
                   std::nullopt,
                   ActivationFormat{ActivationFormat::Kind::mxfp4, ScaleRule::uos}};
    sites[1][3].activation = ActivationFormat{};
    Fp4Model made;
    made.set_sites(sites);
    made.write(folder / "made.fp4");
    auto checkpoint = open_checkpoint((folder / "made.fp4").string(), {});
    REQUIRE(checkpoint.ok());
    auto source = inspect_model(*checkpoint);
    REQUIRE_MESSAGE(source.ok(), source.error().message);
    auto read = read_input_sites(**checkpoint, source->config);
    REQUIRE_MESSAGE(read.ok(), read.error().message);
    REQUIRE(read->size() == layers);
    for (uint32_t layer = 0; layer < layers; ++layer) {
        for (size_t site = 0; site < 4; ++site) {
            const SiteDefinition &a = (*read)[layer][site], &b = sites[layer][site];
            CHECK(a.transform.kind == b.transform.kind);
            CHECK(a.transform.block == b.transform.block);
            CHECK(a.transform.channel_scale == b.transform.channel_scale);
            CHECK(a.transform.matrix == b.transform.matrix);
            CHECK(a.activation == b.activation);
        }
    }
    CHECK(source->parameters() == inspect_model(*checkpoint)->parameters());
    auto text = describe_checkpoint(*checkpoint);
    REQUIRE(text.ok());
    CHECK(text->find(
              R"("input_sites":[{"site":"qkv","layers":"0-1","transform":"matrix","block":16,)"
              R"("matrices":1,"scaled":true,"activation":{"format":"nvfp4","rule":"amax","tensor_scale":)") !=
          text->npos);
    CHECK(!site_document(std::vector<LayerSites>(layers)).has_value());
}

TEST_CASE("a model's identity covers its sites") {
    TemporaryFolder folder;
    auto identity = [&](const std::vector<LayerSites>& sites) {
        Fp4Model made;
        made.set_sites(sites);
        made.tensors = made_tensors(shape); // the same weights every time
        made.write(folder / "made.fp4");
        return load_model(folder / "made.fp4")->identity;
    };
    auto sites = uniform_sites(Variant::matrix_per_block);
    const uint64_t first = identity(sites);
    CHECK(identity(sites) == first);
    sites[1][0].transform.matrix.back() += 0.5f;
    CHECK(identity(sites) != first);
    sites = uniform_sites(Variant::matrix_per_block);
    sites[0][0].activation = ActivationFormat{ActivationFormat::Kind::mxfp4, ScaleRule::ceil};
    CHECK(identity(sites) != first);
}

TEST_CASE("sites that do not fit the model are refused by name") {
    struct Mistake {
        const char* entry; // an object of "sites"
        const char* named; // in the message
    };
    const Mistake mistakes[] = {
        {R"({"layer": 2, "site": "qkv"})", "'layer' is 2"},
        {R"({"layer": -1, "site": "qkv"})", "'layer'"},
        {R"({"layer": 99999999999, "site": "qkv"})", "'layer'"},
        {R"({"site": "qkv"})", "'layer'"},
        {R"({"layer": 0})", "'site'"},
        {R"({"layer": 0, "site": "ffn"})", "'site' is 'ffn'"},
        {R"({"layer": 0, "site": "o"}, {"layer": 0, "site": "o"})", "twice"},
        {R"({"layer": 0, "site": "o", "transform": "dct", "block": 32})", "'transform' is 'dct'"},
        {R"({"layer": 0, "site": "o", "transform": 3})", "'transform'"},
        {R"({"layer": 0, "site": "o", "transform": "hadamard"})", "'block' is 0"},
        {R"({"layer": 0, "site": "o", "transform": "hadamard", "block": 24})", "'block' is 24"},
        {R"({"layer": 0, "site": "o", "transform": "hadamard", "block": 128})", "'block' is 128"},
        {R"({"layer": 0, "site": "o", "transform": "none", "block": 32})", "'block' is 32"},
        {R"({"layer": 0, "site": "o", "transform": "matrix", "block": 32})",
         "'fp4.layers.0.o.matrix' is missing"},
        {R"({"layer": 0, "site": "o", "scaled": true})", "'fp4.layers.0.o.channel_scale' is missing"},
        {R"({"layer": 0, "site": "o", "scaled": 1})", "'scaled'"},
        {R"({"layer": 0, "site": "o", "shift": true})", "'shift'"},
        {R"({"layer": 0, "site": "o", "activation": "mxfp4"})", "'activation'"},
        {R"({"layer": 0, "site": "o", "activation": {"format": "fp4"}})", "'format' is 'fp4'"},
        {R"({"layer": 0, "site": "o", "activation": {"format": "mxfp4", "rule": "amax"}})",
         "'rule' is 'amax'"},
        {R"({"layer": 0, "site": "o", "activation": {"format": "mxint8", "rule": "uos"}})", "'rule'"},
        {R"({"layer": 0, "site": "o", "activation": {"format": "nvfp4", "tensor_scale": 0}})",
         "'tensor_scale'"},
        {R"({"layer": 0, "site": "o", "activation": {"format": "nvfp4", "tensor_scale": -1.0}})",
         "'tensor_scale'"},
        {R"({"layer": 0, "site": "o", "activation": {"format": "nvfp4", "tensor_scale": 1e39}})",
         "'tensor_scale'"},
        {R"({"layer": 0, "site": "o", "activation": {"format": "mxfp4", "tensor_scale": 1.0}})",
         "'tensor_scale'"},
        {R"(7)", "is not an object"},
    };
    TemporaryFolder folder;
    const std::string path = (folder / "made.fp4").string();
    auto check_refused = [&](const Fp4Model& made, const std::string& named) {
        made.write(path);
        auto checkpoint = open_checkpoint(path, {});
        REQUIRE_MESSAGE(checkpoint.ok(), checkpoint.error().message);
        auto source = inspect_model(*checkpoint);
        Error refusal{Status::ok, {}};
        if (!source.ok()) {
            refusal = source.error();
        } else {
            auto model = Model::load(std::move(*source), *open_cpu_backend(), nullptr);
            REQUIRE(!model.ok());
            refusal = model.error();
        }
        CAPTURE(refusal.message);
        CHECK(refusal.status == Status::format);
        CHECK(refusal.message.find(path) != std::string::npos);
        CHECK(refusal.message.find(named) != std::string::npos);
    };
    for (const Mistake& mistake : mistakes) {
        CAPTURE(mistake.entry);
        Fp4Model made;
        made.document = concat(R"({"sites": [)", mistake.entry, "]}");
        check_refused(made, mistake.named);
    }
    for (const char* document :
         {"", "[]", "{}", R"({"sites": {}})", R"({"sites": [], "more": 1})", "{\"sites\": ["}) {
        if (!*document) continue;
        CAPTURE(document);
        Fp4Model made;
        made.document = document;
        check_refused(made, "input_sites.json");
    }
    auto with_tensor = [](const char* entry, const MadeTensor& tensor) {
        Fp4Model made;
        made.document = concat(R"({"sites": [)", entry, "]}");
        made.site_tensors.push_back(tensor);
        return made;
    };
    const char* matrix = R"({"layer": 0, "site": "o", "transform": "matrix", "block": 16})";
    const char* scaled = R"({"layer": 0, "site": "o", "scaled": true})";
    const std::string matrix_name = "fp4.layers.0.o.matrix", scale_name = "fp4.layers.0.o.channel_scale";
    using Shape = std::vector<uint64_t>;
    for (const Shape& dims :
         {Shape{2, 16, 16}, Shape{16, 16}, Shape{1, 16, 32}, Shape{5, 16, 16}, Shape{256}}) {
        uint64_t size = 1;
        for (uint64_t dim : dims) size *= dim;
        check_refused(with_tensor(matrix, {matrix_name, dims, std::vector<float>(size)}), "'" + matrix_name);
    }
    std::vector<float> values(4 * 256, 1.0f);
    values[1000] = NAN;
    check_refused(with_tensor(matrix, {matrix_name, {4, 16, 16}, values}), "'" + matrix_name);
    check_refused(with_tensor(scaled, {scale_name, {hidden, 1}, std::vector<float>(hidden)}),
                  "'" + scale_name);
    check_refused(with_tensor(scaled, {scale_name, {hidden}, std::vector<float>(hidden, INFINITY)}),
                  "'" + scale_name);
    // A tensor that no site asked for: of another layer, another site, or without any document.
    for (const char* name : {"fp4.layers.2.o.matrix", "fp4.layers.0.qkv.matrix", "fp4.layers.0.o.shift"})
        check_refused(with_tensor("", {name, {1, 16, 16}, std::vector<float>(256)}), name);
    Fp4Model orphan;
    orphan.site_tensors.push_back({matrix_name, {1, 16, 16}, std::vector<float>(256)});
    check_refused(orphan, matrix_name);
}
