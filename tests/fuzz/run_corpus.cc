// Runs a fuzz target over its seed corpus as a plain test: every file whole,
// cut in the middle, and with single bytes flipped.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s CORPUS_DIR\n", argv[0]);
    return 2;
  }
  int files = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(argv[1])) {
    if (!entry.is_regular_file()) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    std::vector<uint8_t> bytes{std::istreambuf_iterator<char>(in), {}};
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size() / 2);
    const size_t step = bytes.size() / 64 + 1;
    for (size_t i = 0; i < bytes.size(); i += step) {
      bytes[i] ^= 0x41;
      LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
      bytes[i] ^= 0x41;
    }
    ++files;
  }
  std::printf("%d corpus files\n", files);
  // An empty corpus would be a test that cannot fail.
  return files > 0 ? 0 : 1;
}
