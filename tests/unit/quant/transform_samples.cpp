#include "tests/unit/quant/transform_samples.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace fp4::test {

std::vector<double> normal_values(size_t count, uint32_t seed, double scale) {
    std::mt19937 random(seed);
    std::normal_distribution<double> normal(0.0, scale);
    std::vector<double> out(count);
    for (double& value : out) value = normal(random);
    return out;
}

std::vector<float> normal_floats(size_t count, uint32_t seed) {
    std::vector<double> values = normal_values(count, seed);
    return {values.begin(), values.end()};
}

ThreadPool& test_pool() {
    static std::unique_ptr<ThreadPool> pool = ThreadPool::create(2, ThreadPriority::normal).value();
    return *pool;
}

double output_difference(const SiteTransform& transform, uint32_t seed) {
    size_t cols = transform.cols;
    double largest = 0.0;
    double difference = 0.0;
    for (uint32_t pair = 0; pair < 8; ++pair) {
        std::vector<double> x = normal_values(cols, seed + 2 * pair);
        std::vector<double> w = normal_values(cols, seed + 2 * pair + 1);
        double plain = 0.0;
        for (size_t j = 0; j < cols; ++j) plain += x[j] * w[j];
        transform_input(transform, x.data());
        transform_weight(transform, w.data());
        double transformed = 0.0;
        for (size_t j = 0; j < cols; ++j) transformed += x[j] * w[j];
        largest = std::max(largest, std::abs(plain));
        difference = std::max(difference, std::abs(plain - transformed));
    }
    return difference / largest;
}

double orthogonality_error(const std::vector<double>& a, size_t n) {
    std::vector<double> gram = product(transposed(a, n, n), a, n, n, n);
    for (size_t i = 0; i < n; ++i) gram[i * n + i] -= 1.0;
    return largest_difference(gram, std::vector<double>(n * n));
}

std::vector<double> dense_matrix(const SiteTransform& transform, bool of_weights) {
    size_t cols = transform.cols;
    std::vector<double> out(cols * cols);
    for (size_t i = 0; i < cols; ++i) {
        out[i * cols + i] = 1.0;
        of_weights ? transform_weight(transform, out.data() + i * cols)
                   : transform_input(transform, out.data() + i * cols);
    }
    return out;
}

std::vector<double> product(const std::vector<double>& a, const std::vector<double>& b, size_t n, size_t k,
                            size_t m) {
    std::vector<double> out(n * m);
    for (size_t i = 0; i < n; ++i) {
        for (size_t l = 0; l < k; ++l) {
            for (size_t j = 0; j < m; ++j) out[i * m + j] += a[i * k + l] * b[l * m + j];
        }
    }
    return out;
}

std::vector<double> transposed(const std::vector<double>& a, size_t rows, size_t cols) {
    std::vector<double> out(a.size());
    for (size_t i = 0; i < rows; ++i) {
        for (size_t j = 0; j < cols; ++j) out[j * rows + i] = a[i * cols + j];
    }
    return out;
}

double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
    REQUIRE(a.size() == b.size());
    double largest = 0.0;
    for (size_t i = 0; i < a.size(); ++i) {
        REQUIRE(std::isfinite(a[i]));
        largest = std::max(largest, std::abs(a[i] - b[i]));
    }
    return largest;
}

const JsonValue& transform_golden() {
    static const JsonValue document = [] {
        const char* root = std::getenv("FP4_SOURCE_ROOT");
        std::string path = std::string(root ? root : ".") + "/tests/golden/quant/transforms.json";
        std::ifstream file(path, std::ios::binary);
        REQUIRE_MESSAGE(file.good(), path);
        std::ostringstream text;
        text << file.rdbuf();
        Result<JsonValue> parsed = parse_json(text.str(), path);
        REQUIRE(parsed.ok());
        return std::move(parsed).value();
    }();
    return document;
}

std::vector<double> golden_matrix(const JsonValue& rows) {
    std::vector<double> out;
    for (const JsonValue& row : *rows.array()) {
        for (const JsonValue& value : *row.array()) out.push_back(value.number().value());
    }
    return out;
}

} // namespace fp4::test
