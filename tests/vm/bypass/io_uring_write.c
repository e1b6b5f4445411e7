/* Writes its standard input to the file named, by io_uring alone. */
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static char data[1 << 20];

static int Fail(const char* what) {
  perror(what);
  return 1;
}

int main(int argc, char** argv) {
  struct io_uring_params params;
  size_t size = 0;
  ssize_t n;

  if (argc != 2) return 2;
  while (size < sizeof data &&
         (n = read(0, data + size, sizeof data - size)) > 0)
    size += (size_t)n;
  const int file = open(argv[1], O_CREAT | O_WRONLY | O_TRUNC, 0644);
  if (file < 0) return Fail(argv[1]);
  memset(&params, 0, sizeof params);
  const int ring = (int)syscall(SYS_io_uring_setup, 4, &params);
  if (ring < 0) return Fail("io_uring_setup");
  char* sq =
      mmap(NULL, params.sq_off.array + params.sq_entries * sizeof(unsigned),
           PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring,
           IORING_OFF_SQ_RING);
  char* cq =
      mmap(NULL,
           params.cq_off.cqes + params.cq_entries * sizeof(struct io_uring_cqe),
           PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring,
           IORING_OFF_CQ_RING);
  struct io_uring_sqe* sqes =
      mmap(NULL, params.sq_entries * sizeof *sqes, PROT_READ | PROT_WRITE,
           MAP_SHARED | MAP_POPULATE, ring, IORING_OFF_SQES);
  if (sq == MAP_FAILED || cq == MAP_FAILED || sqes == MAP_FAILED)
    return Fail("mmap");
  memset(&sqes[0], 0, 2 * sizeof *sqes);
  sqes[0].opcode = IORING_OP_WRITE;
  sqes[0].flags = IOSQE_IO_LINK;
  sqes[0].fd = file;
  sqes[0].addr = (unsigned long)data;
  sqes[0].len = (unsigned)size;
  sqes[1].opcode = IORING_OP_FSYNC;
  sqes[1].fd = file;
  unsigned* array = (unsigned*)(sq + params.sq_off.array);
  array[0] = 0;
  array[1] = 1;
  __atomic_store_n((unsigned*)(sq + params.sq_off.tail), 2, __ATOMIC_RELEASE);
  if (syscall(SYS_io_uring_enter, ring, 2, 2, IORING_ENTER_GETEVENTS, NULL, 0) <
      0)
    return Fail("io_uring_enter");
  struct io_uring_cqe* cqes = (struct io_uring_cqe*)(cq + params.cq_off.cqes);
  for (int i = 0; i < 2; i++) {
    if (cqes[i].res >= 0) continue;
    errno = -cqes[i].res;
    return Fail(i == 0 ? "write" : "fsync");
  }
  if (close(file) != 0) return Fail("close");
  return 0;
}
