#include "sweeps/sweepctl/message_json.h"

#include <google/protobuf/descriptor.h>

#include <string>

namespace lorikeet::sweepctl {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using nlohmann::ordered_json;

// `index`: of a repeated field's element; negative for a single value.
ordered_json Value(const Message& message, const FieldDescriptor* field, int index) {
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  const bool one = index < 0;
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return one ? reflection.GetInt32(message, field) : reflection.GetRepeatedInt32(message, field, index);
    case FieldDescriptor::CPPTYPE_INT64:
      return one ? reflection.GetInt64(message, field) : reflection.GetRepeatedInt64(message, field, index);
    case FieldDescriptor::CPPTYPE_UINT32:
      return one ? reflection.GetUInt32(message, field) : reflection.GetRepeatedUInt32(message, field, index);
    case FieldDescriptor::CPPTYPE_UINT64:
      return one ? reflection.GetUInt64(message, field) : reflection.GetRepeatedUInt64(message, field, index);
    case FieldDescriptor::CPPTYPE_FLOAT:
      return one ? reflection.GetFloat(message, field) : reflection.GetRepeatedFloat(message, field, index);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return one ? reflection.GetDouble(message, field) : reflection.GetRepeatedDouble(message, field, index);
    case FieldDescriptor::CPPTYPE_BOOL:
      return one ? reflection.GetBool(message, field) : reflection.GetRepeatedBool(message, field, index);
    case FieldDescriptor::CPPTYPE_STRING:
      return one ? reflection.GetString(message, field) : reflection.GetRepeatedString(message, field, index);
    case FieldDescriptor::CPPTYPE_ENUM:
      return one ? reflection.GetEnum(message, field)->name()
                 : reflection.GetRepeatedEnum(message, field, index)->name();
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return ToJson(one ? reflection.GetMessage(message, field)
                        : reflection.GetRepeatedMessage(message, field, index));
  }
  return nullptr;
}

}  // namespace

ordered_json ToJson(const Message& message) {
  const google::protobuf::Descriptor& type = *message.GetDescriptor();
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  ordered_json json = ordered_json::object();
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* const field = type.field(i);
    if (field->is_repeated()) {
      ordered_json list = ordered_json::array();
      const int size = reflection.FieldSize(message, field);
      for (int index = 0; index < size; ++index) list.push_back(Value(message, field, index));
      json[field->name()] = std::move(list);
    } else if (!field->has_presence() || reflection.HasField(message, field)) {
      json[field->name()] = Value(message, field, -1);
    }
  }
  return json;
}

std::string ToJsonLine(const Message& message) {
  return ToJson(message).dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace lorikeet::sweepctl
