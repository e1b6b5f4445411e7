// Archives and compressed streams by libarchive: tar, cpio, 7z, rar, iso9660,
// cab, lha, ar; gzip, bzip2, xz, zstd, lz4, lzip, compress. Only what the magic
// bytes said is enabled: asked about everything, libarchive takes a short list
// for an mtree.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "detect/formats/reader.h"

namespace sekisho::detect {

// Reads on, at most as many bytes as asked; 0 at the end.
using ByteStream = std::function<size_t(std::span<std::byte>)>;

// Formats (the names of SniffFormat) that are read from front to back and so
// need not be held in memory.
bool IsStreamArchive(std::string_view format);
bool IsArchive(std::string_view format);

// `source` and `budget` must outlive the reader. `problem`: what is known to be
// wrong with it already.
std::unique_ptr<Reader> OpenArchive(std::string_view format,
                                    const Source* source, Budget* budget,
                                    std::string_view problem = {});
// IsStreamArchive formats only.
std::unique_ptr<Reader> OpenArchiveStream(std::string_view format,
                                          ByteStream stream, Budget* budget);

// Makes the C library load what conversion of characters and dates needs (and
// sets TZ): afterwards, in a sandbox, it can no longer.
void PrepareArchives();

}  // namespace sekisho::detect
