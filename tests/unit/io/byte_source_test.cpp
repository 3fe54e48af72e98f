#include "libfp4/io/byte_source.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>

#include "tests/unit/io/test_files.h"

using namespace fp4;
using namespace fp4::test;

TEST_CASE("a file reads the same through read_at, its mapping and memory") {
    TemporaryFolder folder;
    std::string path = folder.path("bytes");
    write_file(path, "0123456789");
    auto mapped = take(open_file(path, true));
    auto unmapped = take(open_file(path, false));
    auto memory = memory_source("memory", {'0', '1', '2', '3', '4', '5', '6', '7', '8', '9'});
    CHECK(mapped->map().size() == 10);
    CHECK(unmapped->map().empty());
    for (const auto& source : {mapped, unmapped, memory}) {
        CHECK(source->size() == 10);
        std::vector<uint8_t> part(4);
        REQUIRE(source->read_at(6, part).ok());
        CHECK(std::string(part.begin(), part.end()) == "6789");
        CHECK(source->read_at(10, {}).ok());
        for (uint64_t offset : {7ull, 10ull, 11ull, ~0ull, ~0ull - 2}) {
            auto beyond = source->read_at(offset, part);
            REQUIRE(!beyond.ok());
            CHECK(beyond.error().message.find(source->name()) != std::string::npos);
        }
    }
}

TEST_CASE("only regular files are opened, and messages name them") {
    TemporaryFolder folder;
    std::string fifo = folder.path("fifo");
    REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
    for (const std::string& path : {folder.path(), fifo, std::string("/dev/null")}) {
        auto opened = open_file(path, true); // must not wait for the FIFO's writer
        REQUIRE(!opened.ok());
        CHECK(opened.error().status == Status::io);
        CHECK(opened.error().message.find(path) == 0);
    }
    auto absent = open_file(folder.path("absent"), true);
    REQUIRE(!absent.ok());
    CHECK(absent.error().status == Status::not_found);
    CHECK(absent.error().message.find("No such file") != std::string::npos);
}

TEST_CASE("an empty file opens and maps to nothing") {
    TemporaryFolder folder;
    write_file(folder.path("empty"), "");
    auto file = take(open_file(folder.path("empty"), true));
    CHECK(file->size() == 0);
    CHECK(file->map().empty());
}

TEST_CASE("a file cut short while it is open is an error, not a crash") {
    TemporaryFolder folder;
    std::string path = folder.path("shrinks");
    write_file(path, std::string(100000, 'x'));
    auto file = take(open_file(path, true));
    REQUIRE(file->map().size() == 100000);
    std::filesystem::resize_file(path, 10);
    CHECK(file->map().empty());
    std::vector<uint8_t> all(100000);
    auto read = file->read_at(0, all);
    REQUIRE(!read.ok());
    CHECK(read.error().status == Status::io);
    CHECK(read.error().message.find("shorter") != std::string::npos);
}

TEST_CASE("a deleted file stays readable while it is open") {
    TemporaryFolder folder;
    write_file(folder.path("deleted"), "abc");
    auto file = take(open_file(folder.path("deleted"), true));
    std::filesystem::remove(folder.path("deleted"));
    std::vector<uint8_t> all(3);
    CHECK(file->read_at(0, all).ok());
    CHECK(all[2] == 'c');
}

TEST_CASE("text files are bounded") {
    TemporaryFolder folder;
    write_file(folder.path("text"), "12345");
    CHECK(*read_text_file(folder.path("text"), 5) == "12345");
    auto large = read_text_file(folder.path("text"), 4);
    REQUIRE(!large.ok());
    CHECK(large.error().status == Status::limit);
}
