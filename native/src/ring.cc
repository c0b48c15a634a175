#include "ring.h"

#include <sys/mman.h>
#include <unistd.h>

#include <linux/bpf.h>

#include <cerrno>
#include <cstring>
#include <new>

namespace undertrace {
namespace {

// Space is handed back to the producers in steps: every store makes all CPUs fetch the page again.
constexpr uint64_t kReleaseEvery = 64 * 1024;
// What must be there to hold a size.
constexpr uint32_t kSizeField = sizeof(uint32_t);

size_t PageSize() noexcept { return static_cast<size_t>(sysconf(_SC_PAGESIZE)); }

constexpr uint64_t Padded(uint64_t bytes) noexcept { return (bytes + 7) & ~uint64_t{7}; }

// Pairs with the kernel's store-release of the same word: what it covers is visible afterwards.
template <typename T>
T Acquire(const T* word) noexcept {
  return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

uint32_t HeaderAt(const uint8_t* record) noexcept { return Acquire(reinterpret_cast<const uint32_t*>(record)); }

uint32_t LengthOf(uint32_t header) noexcept { return header & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT); }

// The record's own size, or 0 where it cannot be true.
uint32_t TrueSize(const uint8_t* content, uint32_t length) noexcept {
  uint32_t size;
  if (length < kSizeField) return 0;
  std::memcpy(&size, content, sizeof(size));
  return size < kSizeField || size > length ? 0 : size;
}

}  // namespace

std::unique_ptr<Ring> Ring::Open(int fd, size_t size, int* error) noexcept {
  size_t page = PageSize();
  void* consumer = mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (consumer == MAP_FAILED) {
    *error = errno;
    return nullptr;
  }
  void* rest = mmap(nullptr, page + size, PROT_READ, MAP_SHARED, fd, static_cast<off_t>(page));
  if (rest == MAP_FAILED) {
    *error = errno;
    munmap(consumer, page);
    return nullptr;
  }
  auto* producer = static_cast<const uint8_t*>(rest);
  auto* ring = new (std::nothrow) Ring(size, static_cast<uint64_t*>(consumer), reinterpret_cast<const uint64_t*>(producer),
                                       producer + page);
  if (!ring) {
    *error = ENOMEM;
    munmap(consumer, page);
    munmap(rest, page + size);
  }
  return std::unique_ptr<Ring>(ring);
}

Ring::~Ring() {
  munmap(consumer_, PageSize());
  munmap(const_cast<uint64_t*>(producer_), PageSize() + size_);
}

void Ring::Copy(uint8_t* out, uint64_t position, size_t bytes) const noexcept {
  size_t offset = position & (size_ - 1);
  size_t first = bytes < size_ - offset ? bytes : size_ - offset;
  std::memcpy(out, data_ + offset, first);
  std::memcpy(out + first, data_, bytes - first);
}

size_t Ring::Used() const noexcept { return static_cast<size_t>(Acquire(producer_) - *consumer_); }

size_t Ring::Drain(uint8_t* out, size_t capacity, size_t* needed) noexcept {
  uint64_t position = *consumer_;
  uint64_t released = position;
  uint64_t end;
  size_t written = 0;
  bool more = true;
  *needed = 0;
  do {
    end = Acquire(producer_);
    while (more && position < end) {
      const uint8_t* record = At(position);
      uint32_t header = HeaderAt(record);
      if (header & BPF_RINGBUF_BUSY_BIT) {
        more = false;
        break;
      }
      uint32_t length = LengthOf(header);
      if (!(header & BPF_RINGBUF_DISCARD_BIT)) {
        uint64_t content = position + BPF_RINGBUF_HDR_SZ;
        uint32_t size = TrueSize(At(content), length);
        size_t padded = Padded(size);
        if (size == 0) {
          ++invalid_;
        } else if (padded > capacity - written) {
          *needed = padded;
          more = false;
          break;
        } else {
          Copy(out + written, content, size);
          std::memset(out + written + size, 0, padded - size);
          written += padded;
        }
      }
      position += Padded(uint64_t{length} + BPF_RINGBUF_HDR_SZ);
      if (position - released >= kReleaseEvery) {
        __atomic_store_n(consumer_, position, __ATOMIC_RELEASE);
        released = position;
      }
    }
    __atomic_store_n(consumer_, position, __ATOMIC_RELEASE);
    released = position;
    // A producer that asks for a wake-up only of an idle consumer compares its position with ours: publish ours before looking.
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
  } while (more && Acquire(producer_) != end);
  return written;
}

Ring::Content Ring::Pending(uint64_t used) const noexcept {
  Content content;
  uint64_t end = *consumer_ + used;
  for (uint64_t position = *consumer_; position < end;) {
    const uint8_t* record = At(position);
    uint32_t header = HeaderAt(record);
    uint32_t length = LengthOf(header);
    if (!(header & BPF_RINGBUF_DISCARD_BIT)) {
      uint32_t size = header & BPF_RINGBUF_BUSY_BIT ? length : TrueSize(At(position + BPF_RINGBUF_HDR_SZ), length);
      if (size != 0) {
        ++content.records;
        content.bytes += Padded(size);
      }
    }
    position += Padded(uint64_t{length} + BPF_RINGBUF_HDR_SZ);
  }
  return content;
}

}  // namespace undertrace
