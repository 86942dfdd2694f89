#include "coordinator/rpc/request_key.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include "common/sha256.h"

namespace lorikeet::rpc {

std::string FingerprintOf(const google::protobuf::Message& request) {
  std::string text = request.GetTypeName() + ' ';
  {
    google::protobuf::io::StringOutputStream to(&text);
    google::protobuf::io::CodedOutputStream coded(&to);
    coded.SetSerializationDeterministic(true);  // maps in an order
    request.SerializeToCodedStream(&coded);
  }
  Sha256 hash;
  hash.Add(text);
  return hash.Hex();
}

}  // namespace lorikeet::rpc
