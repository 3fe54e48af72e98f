// Damaged files: whatever the bytes are, there is a status and a message that names the file, never a crash,
// and no more memory than the file's size warrants.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <new>
#include <random>

#include "libfp4/io/checkpoint.h"
#include "libfp4/io/verify.h"
#include "tests/unit/io/allocation.h"
#include "tests/unit/io/images.h"
#include "tests/unit/io/test_files.h"

using namespace fp4;
using namespace fp4::test;

namespace {

struct Subject {
    const char* kind;
    std::string image;
    size_t header;                                  // bytes in front of the tensor data
    std::function<std::string(std::string)> finish; // after a change
};

size_t safetensors_header(const std::string& image) {
    uint64_t length;
    std::memcpy(&length, image.data(), sizeof length);
    return sizeof length + length;
}

std::vector<Subject> subjects() {
    auto as_it_is = [](std::string image) { return image; };
    std::string gguf = valid_gguf(), safetensors = valid_safetensors(), fp4 = valid_fp4();
    return {
        {"gguf", gguf, gguf.size() - 512, as_it_is},
        {"safetensors", safetensors, safetensors_header(safetensors), as_it_is},
        {"fp4", fp4, safetensors_header(fp4), as_it_is},
        {"fp4", fp4, safetensors_header(fp4), reseal}, // past the header hash, into the parsers
    };
}

// Uses everything a checkpoint offers. Results do not matter here, only that each call returns.
void use(const Checkpoint& checkpoint) {
    for (const TensorInfo& tensor : checkpoint.tensors()) {
        uint64_t k = tensor.row_length();
        REQUIRE(k > 0);
        REQUIRE(tensor.rows() > 0);
        uint64_t rows = std::min<uint64_t>(tensor.rows(), 4);
        std::vector<float> values(rows * k);
        std::vector<uint8_t> bytes(rows * k * 8 + 64), scales(rows * k + 64);
        for (uint64_t first : {uint64_t{0}, tensor.rows() - rows}) {
            (void)checkpoint.read_f32(tensor, first, rows, values.data()).ok();
            (void)checkpoint.read_plain(tensor, first, rows, bytes.data()).ok();
            if (tensor.encoding.kind == TensorEncoding::Kind::block) {
                bytes.resize(rows * row_code_bytes(tensor.encoding.block, k));
                (void)checkpoint.read_block(tensor, first, rows, bytes.data(), scales.data()).ok();
            }
        }
        uint64_t sum = 0; // reads every byte of every view
        for (uint8_t byte : checkpoint.map_plain(tensor)) sum += byte;
        for (uint8_t byte : checkpoint.map_block(tensor).codes) sum += byte;
        for (uint8_t byte : checkpoint.map_block(tensor).scales) sum += byte;
        CHECK(sum < ~0ull);
    }
    for (const std::string& document : checkpoint.document_names())
        (void)checkpoint.read_document(document).ok();
    (void)verify_checkpoint(checkpoint).ok();
}

constexpr uint64_t allocation_factor = 64; // bytes of memory a byte of the file may cost
constexpr uint64_t allocation_base = 1 << 20;

// Opens and uses the image; true if it opened.
bool survive(const std::string& image) {
    std::vector<uint8_t> bytes(image.begin(), image.end());
    AllocationPeak peak;
    auto opened = open_checkpoint(borrowed_source("image", bytes));
    CHECK(peak.bytes() <= allocation_factor * image.size() + allocation_base);
    if (!opened.ok()) {
        CHECK(opened.error().status != Status::ok);
        CHECK_MESSAGE(opened.error().message.starts_with("image"), opened.error().message);
        return false;
    }
    use(**opened);
    return true;
}

} // namespace

TEST_CASE("valid images survive") {
    for (const Subject& subject : subjects()) CHECK(survive(subject.finish(subject.image)));
}

TEST_CASE("truncated files are refused") {
    std::mt19937 random(11);
    for (const Subject& subject : subjects()) {
        CAPTURE(subject.kind);
        for (int i = 0; i < 200; i++) {
            size_t length = random() % subject.image.size();
            CAPTURE(length);
            CHECK(!survive(subject.finish(subject.image.substr(0, length))));
        }
        // and on disk, mapped
        TemporaryFolder folder;
        for (int i = 0; i < 20; i++) {
            write_file(folder.path("cut"), subject.image.substr(0, random() % subject.image.size()));
            auto opened = open_checkpoint(folder.path("cut"), {});
            REQUIRE(!opened.ok());
            CHECK(opened.error().message.starts_with(folder.path("cut")));
        }
    }
}

TEST_CASE("flipped header bytes") {
    std::mt19937 random(12);
    for (const Subject& subject : subjects()) {
        CAPTURE(subject.kind);
        int refused = 0;
        for (int i = 0; i < 1000; i++) {
            std::string image = subject.image;
            int flips = 1 + static_cast<int>(random() % 3);
            for (int f = 0; f < flips; f++) {
                image[random() % subject.header] ^= static_cast<char>(1u << random() % 8);
            }
            refused += !survive(subject.finish(image));
        }
        CHECK(refused > 200); // the flips do reach the checks
    }
}

TEST_CASE("extreme numbers at every place of a GGUF header") {
    std::string valid = valid_gguf();
    for (size_t at = 4; at < valid.size() - 520; at++) {
        for (uint64_t extreme : {0ull, 1ull, 0x7fffffffull, 0x80000000ull, 0xffffffffull, 0x100000000ull,
                                 0x7fffffffffffffffull, 0x8000000000000000ull, ~0ull - 31, ~0ull}) {
            for (size_t width : {4, 8}) {
                std::string image = valid;
                std::memcpy(image.data() + at, &extreme, width);
                survive(image);
            }
        }
    }
}

TEST_CASE("extreme numbers in place of every number of a JSON header") {
    for (const Subject& subject : subjects()) {
        if (subject.kind == std::string("gguf")) continue;
        for (size_t at = 9; at < subject.header; at++) {
            bool begins = std::isdigit(static_cast<unsigned char>(subject.image[at])) &&
                          (subject.image[at - 1] == '[' || subject.image[at - 1] == ',');
            if (!begins) continue;
            size_t end = at;
            while (std::isdigit(static_cast<unsigned char>(subject.image[end]))) end++;
            for (const char* number :
                 {"0", "-1", "2147483648", "4294967296", "9223372036854775808", "18446744073709551615",
                  "18446744073709551616", "1e400", "0.5", "null", "[]"}) {
                std::string header = subject.image.substr(8, subject.header - 8);
                header.replace(at - 8, end - at, number);
                std::string data = subject.image.substr(subject.header);
                survive(subject.finish(safetensors_image(header, data)));
            }
        }
    }
}

TEST_CASE("random bytes after a right beginning") {
    std::mt19937 random(13);
    for (int i = 0; i < 300; i++) {
        std::string noise(random() % 4096, '\0');
        for (char& byte : noise) byte = static_cast<char>(random());
        survive("GGUF" + raw<uint32_t>(3) + raw<uint64_t>(random() % 4) + raw<uint64_t>(random() % 4) +
                noise);
        survive(safetensors_image("{" + noise, noise));
        survive(noise);
    }
}

TEST_CASE("memory stays within a small multiple of the file, for files made to cost most") {
    constexpr size_t bytes = 300000;
    auto filled = [](std::string_view item) {
        std::string out;
        while (out.size() < bytes) out += item;
        return out;
    };
    for (uint32_t type : {0u, 1u, 2u, 3u, 4u, 6u, 7u, 8u, 10u}) { // arrays of every kind of item
        CHECK(
            survive(GgufImage().key("k", 9, gguf_array(type, bytes / 8, std::string(bytes, '\0'))).build()));
    }
    std::string arrays = filled(gguf_array(0, 0, ""));
    CHECK(survive(GgufImage().key("k", 9, gguf_array(9, arrays.size() / 12, arrays)).build()));
    GgufImage keys, tensors;
    for (int i = 0; i < 10000; i++) {
        keys.key(std::to_string(i), 0, "x");
        tensors.tensor(std::to_string(i), {1}, 24, "x");
    }
    CHECK(survive(keys.build()));
    CHECK(survive(tensors.build()));
    survive(safetensors_image("{\"a\":[" + filled("0,") + "0]}", ""));
    survive(safetensors_image("{\"a\":[" + filled("[],") + "0]}", ""));
    std::string many = "{";
    for (int i = 0; i < 20000; i++) many += concat('"', i, "\":0,");
    survive(safetensors_image(many + "\"x\":0}", ""));
}

namespace {

// Fails from the n-th read on.
class FailingSource final : public ByteSource {
  public:
    FailingSource(std::span<const uint8_t> bytes, int reads)
        : inner_(borrowed_source("image", bytes)), left_(reads) {}
    const std::string& name() const override { return inner_->name(); }
    uint64_t size() const override { return inner_->size(); }
    Result<void> read_at(uint64_t offset, std::span<uint8_t> target) const override {
        if (left_-- <= 0) return error(Status::io, name(), ": the disk is gone");
        return inner_->read_at(offset, target);
    }
    std::span<const uint8_t> map() const override { return {}; }

  private:
    std::shared_ptr<ByteSource> inner_;
    mutable int left_;
};

} // namespace

TEST_CASE("a source that fails at any read") {
    for (const Subject& subject : subjects()) {
        std::vector<uint8_t> bytes(subject.image.begin(), subject.image.end());
        int opened_after = -1;
        for (int reads = 0; reads < 30; reads++) {
            auto opened = open_checkpoint(std::make_shared<FailingSource>(bytes, reads));
            if (opened.ok()) {
                if (opened_after < 0) opened_after = reads;
                use(**opened);
            } else {
                CHECK(opened.error().status == Status::io);
                CHECK(opened_after < 0);
            }
        }
        CHECK(opened_after > 0);
        CHECK(opened_after < 10);
    }
}

TEST_CASE("an allocation that fails anywhere leaves as std::bad_alloc and nothing leaks") {
    for (const Subject& subject : subjects()) {
        std::vector<uint8_t> bytes(subject.image.begin(), subject.image.end());
        auto source = borrowed_source("image", bytes);
        bool reached = true;
        for (uint64_t n = 0; reached; n++) {
            REQUIRE(n < 100000);
            bool thrown = false;
            {
                FailingAllocation failing(n);
                try {
                    auto opened = open_checkpoint(source);
                } catch (const std::bad_alloc&) {
                    thrown = true;
                }
                reached = failing.failed();
            }
            CHECK(thrown == reached);
        }
    }
}
