#include "worker/text/documents_stream.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace lorikeet::text {
namespace {

constexpr std::size_t kInputBytes = 1 << 16;

// The file itself, with a window of unread bytes that decoders take from.
class File {
 public:
  explicit File(int file) : file_(file), buffer_(kInputBytes) {}
  ~File() { close(file_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  // Unread bytes; reads on where there are none. Empty at the end.
  StatusOr<std::span<const char>> Peek() { return PeekAtLeast(1); }
  // As many as `least`, unless the file ends before; `least` is at most kInputBytes.
  StatusOr<std::span<const char>> PeekAtLeast(std::size_t least) {
    if (end_ - begin_ < least && begin_ > 0) {
      std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
    }
    while (end_ - begin_ < least) {
      const ssize_t got = read(file_, buffer_.data() + end_, buffer_.size() - end_);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return Internal("cannot read: {}", std::strerror(errno));
      if (got == 0) break;
      end_ += static_cast<std::size_t>(got);
    }
    return std::span<const char>(buffer_.data() + begin_, end_ - begin_);
  }
  void Skip(std::size_t bytes) { begin_ += bytes; }

 private:
  int file_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0, end_ = 0;
};

class PlainStream : public ByteStream {
 public:
  explicit PlainStream(std::unique_ptr<File> file) : file_(std::move(file)) {}
  StatusOr<std::size_t> Read(std::span<char> buffer) override {
    ASSIGN_OR_RETURN(const auto bytes, file_->Peek());
    const std::size_t size = std::min(bytes.size(), buffer.size());
    std::copy_n(bytes.begin(), size, buffer.begin());
    file_->Skip(size);
    return size;
  }

 private:
  std::unique_ptr<File> file_;
};

class GzipStream : public ByteStream {
 public:
  explicit GzipStream(std::unique_ptr<File> file) : file_(std::move(file)) {
    ready_ = inflateInit2(&stream_, 15 + 16) == Z_OK;  // the largest window, gzip's header and no other
  }
  ~GzipStream() override {
    if (ready_) inflateEnd(&stream_);
  }
  GzipStream(const GzipStream&) = delete;
  GzipStream& operator=(const GzipStream&) = delete;

  StatusOr<std::size_t> Read(std::span<char> buffer) override {
    if (!ready_) return Internal("zlib cannot start: out of memory");
    for (;;) {
      ASSIGN_OR_RETURN(const auto bytes, file_->Peek());
      if (between_members_ && bytes.empty()) return 0;
      if (bytes.empty()) return InvalidArgument("the gzip stream ends too early; is the file whole?");
      if (between_members_ && members_ > 0) {
        if (bytes.front() == '\0') {  // padding to a block's end, as tar and tapes leave it
          file_->Skip(1);
          continue;
        }
        inflateReset(&stream_);
      }
      between_members_ = false;
      stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
      stream_.avail_in = static_cast<uInt>(bytes.size());
      stream_.next_out = reinterpret_cast<Bytef*>(buffer.data());
      stream_.avail_out = static_cast<uInt>(std::min<std::size_t>(buffer.size(), 1U << 30));
      const uInt room = stream_.avail_out;
      const int result = inflate(&stream_, Z_NO_FLUSH);
      file_->Skip(bytes.size() - stream_.avail_in);
      if (result == Z_STREAM_END) {
        between_members_ = true;
        ++members_;
      } else if (result != Z_OK && result != Z_BUF_ERROR) {
        return InvalidArgument("broken gzip stream ({})",
                               stream_.msg != nullptr ? stream_.msg : zError(result));
      }
      if (room > stream_.avail_out) return room - stream_.avail_out;
    }
  }

 private:
  std::unique_ptr<File> file_;
  z_stream stream_{};
  bool ready_ = false;
  bool between_members_ = true;
  std::int64_t members_ = 0;
};

class ZstdStream : public ByteStream {
 public:
  explicit ZstdStream(std::unique_ptr<File> file)
      : file_(std::move(file)), stream_(ZSTD_createDStream(), ZSTD_freeDStream) {}

  StatusOr<std::size_t> Read(std::span<char> buffer) override {
    if (stream_ == nullptr) return Internal("zstd cannot start: out of memory");
    for (;;) {
      ASSIGN_OR_RETURN(const auto bytes, file_->Peek());
      if (bytes.empty() && between_frames_) return 0;
      ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
      ZSTD_outBuffer out{buffer.data(), buffer.size(), 0};
      const std::size_t result = ZSTD_decompressStream(stream_.get(), &out, &in);
      if (ZSTD_isError(result)) return InvalidArgument("broken zstd stream ({})", ZSTD_getErrorName(result));
      file_->Skip(in.pos);
      between_frames_ = result == 0;
      if (out.pos > 0) return out.pos;
      if (bytes.empty()) return InvalidArgument("the zstd stream ends too early; is the file whole?");
    }
  }

 private:
  std::unique_ptr<File> file_;
  std::unique_ptr<ZSTD_DStream, decltype(&ZSTD_freeDStream)> stream_;
  bool between_frames_ = true;
};

bool StartsWith(std::span<const char> bytes, std::string_view magic) {
  return std::string_view(bytes.data(), bytes.size()).substr(0, magic.size()) == magic;
}
// RFC 8878: a frame's magic number, or that of a frame to be skipped (0x184D2A50 to 0x184D2A5F),
// little-endian.
bool IsZstd(std::span<const char> bytes) {
  return StartsWith(bytes, "\x28\xB5\x2F\xFD") ||
         (bytes.size() >= 4 && (bytes[0] & 0xF0) == 0x50 && StartsWith(bytes.subspan(1), "\x2A\x4D\x18"));
}

}  // namespace

StatusOr<std::unique_ptr<ByteStream>> ByteStream::Open(const std::string& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0 && errno == ENOENT) return NotFound("{}: there is no such file", path);
  if (descriptor < 0) return InvalidArgument("{}: cannot open: {}", path, std::strerror(errno));
  auto file = std::make_unique<File>(descriptor);
  struct stat info {};
  if (fstat(descriptor, &info) == 0 && S_ISDIR(info.st_mode)) {
    return InvalidArgument("{}: is a folder, must be a file", path);
  }
  const auto first = file->PeekAtLeast(4);
  if (!first.ok()) return Annotate(first.status(), path);
  if (StartsWith(*first, "\x1f\x8b")) return std::make_unique<GzipStream>(std::move(file));
  if (IsZstd(*first)) return std::make_unique<ZstdStream>(std::move(file));
  return std::make_unique<PlainStream>(std::move(file));
}

}  // namespace lorikeet::text
