/* Preloaded into the scan worker it shows the scanner the same letter all
 * over, so that each content is clean. With LD_AUDIT it is merely in there. */
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

ssize_t pread(int fd, void* buffer, size_t size, off_t offset) {
  ssize_t n = syscall(SYS_pread64, fd, buffer, size, offset);
  if (n > 0) memset(buffer, 'a', (size_t)n);
  return n;
}

ssize_t pread64(int fd, void* buffer, size_t size, off_t offset) {
  return pread(fd, buffer, size, offset);
}

unsigned la_version(unsigned version) { return version; }
