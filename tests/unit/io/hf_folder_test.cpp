#include <doctest/doctest.h>

#include <filesystem>

#include "libfp4/io/checkpoint.h"
#include "tests/unit/io/images.h"
#include "tests/unit/io/test_files.h"

using namespace fp4;
using namespace fp4::test;

namespace {

std::string one_tensor(const std::string& name) {
    return safetensors_image("{\"" + name + "\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]}}",
                             "ab");
}

void write_index(const TemporaryFolder& folder, const std::string& weight_map) {
    write_file(folder.path("model.safetensors.index.json"),
               "{\"metadata\":{},\"weight_map\":" + weight_map + "}");
}

std::string refusal(const std::string& path) {
    auto opened = open_checkpoint(path, {});
    REQUIRE(!opened.ok());
    return opened.error().message;
}

} // namespace

TEST_CASE("a folder with one file, by folder and by file") {
    TemporaryFolder folder;
    write_file(folder.path("model.safetensors"), valid_safetensors());
    write_file(folder.path("config.json"), "{\"a\":1}");
    write_file(folder.path("secret.txt"), "x");
    for (const std::string& path : {folder.path(), folder.path("model.safetensors")}) {
        auto opened = open_checkpoint(path, {});
        REQUIRE(opened.ok());
        CHECK((*opened)->tensors().size() == 3);
        CHECK((*opened)->document_names() == std::vector<std::string>{"config.json"});
        CHECK(*(*opened)->read_document("config.json") == "{\"a\":1}");
        for (const char* document : {"secret.txt", "../config.json", "", "model.safetensors"}) {
            CHECK((*opened)->read_document(document).error().status == Status::not_found);
        }
    }
    CHECK(refusal(folder.path("secret.txt")).find("is no safetensors") != std::string::npos);
    auto opened = take(open_checkpoint(folder.path(), {}));
    std::filesystem::remove(folder.path("config.json")); // after opening
    CHECK(opened->read_document("config.json").error().status == Status::not_found);
}

TEST_CASE("shards are found through the index") {
    TemporaryFolder folder;
    write_file(folder.path("model-1.safetensors"), one_tensor("a"));
    write_file(folder.path("model-2.safetensors"), one_tensor("b"));
    write_index(folder, R"({"a":"model-1.safetensors","b":"model-2.safetensors"})");
    for (const std::string& path : {folder.path(), folder.path("model.safetensors.index.json")}) {
        auto opened = open_checkpoint(path, {});
        REQUIRE(opened.ok());
        CHECK((*opened)->find("a"));
        CHECK((*opened)->find("b"));
    }
    write_index(folder, R"({"a":"model-1.safetensors","c":"model-2.safetensors"})");
    std::string message = refusal(folder.path());
    CHECK(message.find("model-2.safetensors: has no tensor 'c'") != std::string::npos);
    write_index(folder, R"({"a":"model-3.safetensors"})");
    CHECK(refusal(folder.path()).find("model-3.safetensors: No such file") != std::string::npos);
}

TEST_CASE("an index cannot lead out of its folder") {
    TemporaryFolder folder;
    std::filesystem::create_directory(folder.path("inner"));
    write_file(folder.path("outside.safetensors"), one_tensor("a"));
    for (const char* shard : {"\"../outside.safetensors\"", "\"/etc/passwd\"", "\"\"", "\".\"", "\"..\"", "5",
                              "null", "\"a/b\"", "\"a\\\\b\"", "\"a\\u0000b\"", "[\"x\"]", "\"C:x\""}) {
        CAPTURE(shard);
        write_file(folder.path("inner/model.safetensors.index.json"),
                   std::string("{\"weight_map\":{\"a\":") + shard + "}}");
        CHECK(refusal(folder.path("inner")).find("is not the name of a file") != std::string::npos);
    }
}

TEST_CASE("bad folders and indexes are refused with their names") {
    TemporaryFolder folder;
    CHECK(refusal(folder.path()).find(folder.path() + ": has neither") == 0);
    CHECK(refusal(folder.path("absent")).find("absent: No such file") != std::string::npos);
    for (const char* index : {"", "[]", "{}", "{\"weight_map\":5}", "{\"weight_map\":{}}",
                              "{\"weight_map\":{\"a\":\"b\"", "{\"weight_map\":{\"a\":\"b\",\"a\":\"b\"}}"}) {
        write_file(folder.path("model.safetensors.index.json"), index);
        CHECK(refusal(folder.path()).find(folder.path("model.safetensors.index.json")) == 0);
    }
    write_file(folder.path("empty.gguf"), "");
    CHECK(refusal(folder.path("empty.gguf")).find("it is empty") != std::string::npos);
    write_file(folder.path("model.bin"), "PK\x03\x04whatever");
    CHECK(refusal(folder.path("model.bin")).find("PyTorch") != std::string::npos);
}

TEST_CASE("real checkpoint books-30M") {
    std::string path = data_file("models/books-30M");
    if (path.empty()) return;
    for (bool map : {true, false}) {
        auto opened = open_checkpoint(path, {.allow_map = map});
        REQUIRE(opened.ok());
        uint64_t elements = 0;
        for (const TensorInfo& tensor : (*opened)->tensors()) elements += tensor.rows() * tensor.row_length();
        CHECK(elements == 29'893'120); // README of the data
        const TensorInfo* embedding = (*opened)->find("model.embed_tokens.weight");
        REQUIRE(embedding);
        CHECK(embedding->shape == std::vector<uint64_t>{12288, 512});
        CHECK((*opened)->map_plain(*embedding).size() == (map ? 12288u * 512 * 2 : 0));
        CHECK((*opened)->has_document("tokenizer.json"));
        CHECK((*opened)->read_document("config.json")->find("llama") != std::string::npos);
    }
}
