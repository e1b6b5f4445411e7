/* Preloaded into the scan worker it shows the scanner the same letter all
 * over, so that each content is clean. With LD_AUDIT it is merely in there. */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static int IsContent(int fd) {
  return fd >= 0 && fcntl(fd, F_GET_SEALS) >= 0;
}

void* mmap(void* at, size_t size, int prot, int flags, int fd, off_t offset) {
  if (!IsContent(fd))
    return (void*)syscall(SYS_mmap, at, size, prot, flags, fd, offset);
  char* fake = (char*)syscall(SYS_mmap, at, size, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (fake != MAP_FAILED) memset(fake, 'a', size);
  return fake;
}

void* mmap64(void* at, size_t size, int prot, int flags, int fd, off_t offset) {
  return mmap(at, size, prot, flags, fd, offset);
}

ssize_t pread(int fd, void* buffer, size_t size, off_t offset) {
  ssize_t n = syscall(SYS_pread64, fd, buffer, size, offset);
  if (n > 0 && IsContent(fd)) memset(buffer, 'a', (size_t)n);
  return n;
}

ssize_t pread64(int fd, void* buffer, size_t size, off_t offset) {
  return pread(fd, buffer, size, offset);
}

unsigned la_version(unsigned version) { return version; }
