// Against tests/golden/quant/compensation.json, made by tests/golden/make/quant_compensation.py.
#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "libfp4/io/json_document.h"
#include "libfp4/quant/compensation/compensate.h"

namespace fp4 {
namespace {

template <class T>
std::vector<T> numbers(const JsonValue& object, std::string_view key) {
    const JsonValue* member = object.find(key);
    REQUIRE(member != nullptr);
    REQUIRE(member->array() != nullptr);
    std::vector<T> result;
    for (const JsonValue& item : *member->array()) result.push_back(static_cast<T>(item.number().value()));
    return result;
}

double number(const JsonValue& object, std::string_view key) {
    const JsonValue* member = object.find(key);
    REQUIRE(member != nullptr);
    return member->number().value();
}

} // namespace

TEST_CASE("compensation gives the codes of the NumPy reference") {
    const char* root = std::getenv("FP4_SOURCE_ROOT");
    std::ifstream file(std::string(root ? root : ".") + "/tests/golden/quant/compensation.json");
    REQUIRE(file);
    auto document = parse_json(std::string(std::istreambuf_iterator<char>(file), {}), "compensation.json");
    REQUIRE(document.ok());
    auto pool = ThreadPool::create(1, ThreadPriority::normal);
    REQUIRE(pool.ok());
    const JsonValue* cases = document->find("cases");
    REQUIRE(cases != nullptr);
    REQUIRE(cases->array()->size() == 2);
    for (const JsonValue& c : *cases->array()) {
        const size_t rows = static_cast<size_t>(number(c, "rows")),
                     cols = static_cast<size_t>(number(c, "cols"));
        std::vector<float> weights = numbers<float>(c, "weights");
        const std::vector<double> gram = numbers<double>(c, "gram");
        const Order order = c.find("by_diagonal")->boolean().value() ? Order::diagonal : Order::natural;
        auto factor = factor_hessian(gram, cols, order, 1, number(c, "damping"));
        REQUIRE(factor.ok());
        CompensationOptions options;
        options.rule = ScaleRule::floor;
        auto result = compensate(weights, rows, &*factor, gram, options, **pool);
        REQUIRE(result.ok());
        CHECK(result->scales == numbers<uint8_t>(c, "scales"));
        const std::vector<uint8_t> codes = numbers<uint8_t>(c, "codes");
        REQUIRE(codes.size() == rows * cols);
        for (size_t i = 0; i < codes.size(); i += 2)
            CHECK(result->codes[i / 2] == (codes[i] | codes[i + 1] << 4));
        CHECK(result->error == doctest::Approx(number(c, "error")).epsilon(1e-6));
        CHECK(result->reference_power == doctest::Approx(number(c, "power")).epsilon(1e-6));
    }
}

} // namespace fp4
