// The consumer's side of one BPF ring buffer.
#ifndef UNDERTRACE_NATIVE_RING_H_
#define UNDERTRACE_NATIVE_RING_H_

#include <cstddef>
#include <cstdint>
#include <memory>

namespace undertrace {

// The layout that kernel/bpf/ringbuf.c maps into user space:
//
//   | consumer position | producer position | data, size bytes | the same data again |
//     a page, writable    a page, read-only
//
// The second copy is for readers that want no record to wrap. It is not mapped here: the kernel puts every page of a mapping in place at
// once, and each counts in the process's resident memory. A record's first 8 bytes never wrap; the first four are its length with two
// marks: BUSY (reserved, not yet written) and DISCARD (given back). Positions only grow.
//
// The first four bytes of a record's content are its true size; the space it takes in the ring may be larger.
//
// Thread: one at a time; the ring has one consumer and no lock. Owns: the mappings, not the map's descriptor. Never throws.
class Ring {
 public:
  // A ring of `size` bytes behind map `fd`, or nullptr and an errno in `error`.
  static std::unique_ptr<Ring> Open(int fd, size_t size, int* error) noexcept;
  ~Ring();
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  struct Content {
    uint64_t records = 0;
    uint64_t bytes = 0;
  };

  // Moves whole records to `out`, oldest first, each cut to its true size and padded with zeros to 8 bytes, until nothing is
  // ready or the next one does not fit. Returns the bytes written; `needed` gets the size of the record that did not fit, or 0.
  // Stops at a record that is still being written: order is kept.
  size_t Drain(uint8_t* out, size_t capacity, size_t* needed) noexcept;

  // What Drain() would hand out of the next `used` bytes, at most Used(), found by walking the ring. Records still being written count with
  // the space they reserved.
  Content Pending(uint64_t used) const noexcept;

  size_t size() const noexcept { return size_; }
  // Bytes between consumer and producer, headers of records included: an upper bound of what Drain() writes.
  size_t Used() const noexcept;
  // The consumer's position: bytes taken out so far, headers and size classes included.
  uint64_t Consumed() const noexcept { return *consumer_; }
  // Records passed over because their size field cannot be true. Not zero means that a program writes something else.
  uint64_t invalid() const noexcept { return invalid_; }

 private:
  Ring(size_t size, uint64_t* consumer, const uint64_t* producer, const uint8_t* data) noexcept
      : size_(size), consumer_(consumer), producer_(producer), data_(data) {}
  const uint8_t* At(uint64_t position) const noexcept { return data_ + (position & (size_ - 1)); }
  // Copies `bytes` from `position` on, around the end of the ring.
  void Copy(uint8_t* out, uint64_t position, size_t bytes) const noexcept;

  size_t size_;
  uint64_t* consumer_;
  const uint64_t* producer_;
  const uint8_t* data_;
  uint64_t invalid_ = 0;
};

}  // namespace undertrace

#endif  // UNDERTRACE_NATIVE_RING_H_
