#include "onnx_metadata.hpp"

#include <cstdint>
#include <fstream>
#include <sstream>
#include <utility>

#include "fixes.hpp"

namespace skyseg {
namespace {

constexpr unsigned METADATA_PROPS = 14, GRAPH = 7, KEY = 1, VALUE = 2;
constexpr std::uint64_t LARGEST_ENTRY = 16U << 20;  // a card has a few KB; a damaged length must not exhaust memory

struct Damaged {
    const char* why;
};

enum class Wire : unsigned { varint = 0, fixed64 = 1, length_delimited = 2, fixed32 = 5 };

struct Tag {
    unsigned field;
    Wire wire;
};

/// The protobuf wire format over a stream of known size.
class Reader {
public:
    Reader(std::istream& stream, std::uint64_t end) : stream_(stream), end_(end) {}

    bool at_end() const { return position_ == end_; }

    Tag tag() {
        const std::uint64_t key = varint();
        const Tag tag{static_cast<unsigned>(key >> 3), static_cast<Wire>(key & 7)};
        if (tag.field == 0 || key >> 32) throw Damaged{"a field number that cannot be"};
        return tag;
    }

    std::string bytes() {
        const std::uint64_t size = length();
        if (size > LARGEST_ENTRY) throw Damaged{"an entry of metadata is too long"};
        std::string text(size, '\0');
        stream_.read(text.data(), static_cast<std::streamsize>(size));
        if (!stream_) throw Damaged{"it ends too soon"};
        position_ += size;
        return text;
    }

    void skip(Wire wire) {
        switch (wire) {
            case Wire::varint: varint(); return;
            case Wire::fixed64: skip_bytes(8); return;
            case Wire::fixed32: skip_bytes(4); return;
            case Wire::length_delimited: skip_bytes(length()); return;
        }
        throw Damaged{"a field of unknown kind"};
    }

private:
    std::uint64_t varint() {
        std::uint64_t value = 0;
        for (unsigned shift = 0; shift < 64; shift += 7) {
            const int byte = position_ < end_ ? stream_.get() : EOF;
            if (byte == EOF) throw Damaged{"it ends too soon"};
            ++position_;
            value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
            if (!(byte & 0x80)) return value;
        }
        throw Damaged{"a number that does not end"};
    }

    std::uint64_t length() {
        const std::uint64_t size = varint();
        if (size > end_ - position_) throw Damaged{"it ends too soon"};
        return size;
    }

    void skip_bytes(std::uint64_t size) {
        if (size > end_ - position_) throw Damaged{"it ends too soon"};
        stream_.seekg(static_cast<std::streamoff>(size), std::ios::cur);
        position_ += size;
    }

    std::istream& stream_;
    std::uint64_t end_, position_ = 0;
};

std::pair<std::string, std::string> entry(const std::string& message) {
    std::istringstream stream(message);
    Reader reader(stream, message.size());
    std::pair<std::string, std::string> pair;
    while (!reader.at_end()) {
        const Tag tag = reader.tag();
        if (tag.wire == Wire::length_delimited && tag.field == KEY) {
            pair.first = reader.bytes();
        } else if (tag.wire == Wire::length_delimited && tag.field == VALUE) {
            pair.second = reader.bytes();
        } else {
            reader.skip(tag.wire);
        }
    }
    return pair;
}

}  // namespace

std::map<std::string, std::string> read_onnx_metadata(const std::filesystem::path& path) {
    std::error_code unseen;  // in a folder that may not be looked into
    const auto kind = std::filesystem::status(path, unseen).type();
    if (kind != std::filesystem::file_type::regular) {
        const bool told = unseen && kind != std::filesystem::file_type::not_found;
        throw EngineError(path.string() + (told ? ": may not be read" : ": no such model file"),
                          kind == std::filesystem::file_type::directory ? "it is a folder" : told ? unseen.message() : "",
                          EXPORT_FIX);
    }
    std::ifstream stream(path, std::ios::binary);
    std::map<std::string, std::string> found;
    bool has_graph = false;
    try {
        if (!stream) throw Damaged{"it cannot be opened"};
        Reader reader(stream, std::filesystem::file_size(path));
        while (!reader.at_end()) {
            const Tag tag = reader.tag();
            has_graph |= tag.field == GRAPH;
            if (tag.field == METADATA_PROPS && tag.wire == Wire::length_delimited) {
                found.insert(entry(reader.bytes()));
            } else {
                reader.skip(tag.wire);
            }
        }
        if (!has_graph) throw Damaged{"there is no graph inside"};
    } catch (const Damaged& damage) {
        throw EngineError(path.string() + ": not a readable ONNX file", damage.why, EXPORT_FIX);
    }
    return found;
}

}  // namespace skyseg
