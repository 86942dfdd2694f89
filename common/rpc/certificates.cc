#include "common/rpc/certificates.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include <string_view>
#include <utility>
#include <vector>

#include "common/files.h"

namespace lorikeet::rpc {
namespace {

template <auto kFree>
struct Freer {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using Certificate = std::unique_ptr<X509, Freer<X509_free>>;
using Bio = std::unique_ptr<BIO, Freer<BIO_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using TrustStore = std::unique_ptr<X509_STORE, Freer<X509_STORE_free>>;
using Verification = std::unique_ptr<X509_STORE_CTX, Freer<X509_STORE_CTX_free>>;
// Does not own what is in it.
struct StackFreer {
  void operator()(STACK_OF(X509) * stack) const { sk_X509_free(stack); }
};
using Stack = std::unique_ptr<STACK_OF(X509), StackFreer>;

Bio Over(const std::string& text) { return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); }

// Those that can be read, up to the first that cannot. A key with a password is asked of nobody.
std::vector<Certificate> Parse(const std::string& pem) {
  std::vector<Certificate> certificates;
  const Bio bio = Over(pem);
  while (X509* const next = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr))
    certificates.emplace_back(next);
  ERR_clear_error();
  return certificates;
}

Key ParseKey(const std::string& pem) {
  const auto no_password = [](char*, int, int, void*) { return 0; };
  Key key(PEM_read_bio_PrivateKey(Over(pem).get(), nullptr, no_password, nullptr));
  ERR_clear_error();
  return key;
}

std::string Print(const ASN1_TIME* time) {
  const Bio bio(BIO_new(BIO_s_mem()));
  ASN1_TIME_print(bio.get(), time);
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);  // NOLINT(google-runtime-int): OpenSSL's
  return {text, static_cast<std::size_t>(size)};
}

std::string Subject(const X509* certificate) {
  const Bio bio(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(bio.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);  // NOLINT(google-runtime-int): OpenSSL's
  return {text, static_cast<std::size_t>(size)};
}

time_t Seconds(WallTime time) { return std::chrono::system_clock::to_time_t(time); }

Status CheckTime(const std::string& file, const X509* certificate, WallTime now) {
  time_t seconds = Seconds(now);
  if (X509_cmp_time(X509_get0_notAfter(certificate), &seconds) < 0) {
    return FailedPrecondition("{}: this certificate has expired, on {}; deploy/make-certs.sh makes another",
                              file, Print(X509_get0_notAfter(certificate)));
  }
  if (X509_cmp_time(X509_get0_notBefore(certificate), &seconds) > 0) {
    return FailedPrecondition("{}: this certificate holds from {} only; is the clock right?", file,
                              Print(X509_get0_notBefore(certificate)));
  }
  return absl::OkStatus();
}

class StoreVerifier : public ClientVerifier {
 public:
  explicit StoreVerifier(TrustStore store) : store_(std::move(store)) {}

  Status Check(const std::string& certificate, const std::string& chain, WallTime now) const override {
    const std::vector<Certificate> shown = Parse(certificate), between = Parse(chain);
    if (shown.empty()) {
      return absl::UnauthenticatedError(
          "this coordinator takes workers with a certificate of its CA alone: --tls-certificate FILE "
          "--tls-key FILE, made "
          "by deploy/make-certs.sh --worker NAME");
    }
    const Stack stack(sk_X509_new_null());
    for (const Certificate& one : between) sk_X509_push(stack.get(), one.get());
    const Verification context(X509_STORE_CTX_new());
    if (context == nullptr ||
        X509_STORE_CTX_init(context.get(), store_.get(), shown.front().get(), stack.get()) != 1 ||
        X509_STORE_CTX_set_default(context.get(), "ssl_client") != 1) {
      return Internal("OpenSSL cannot verify a certificate");
    }
    X509_STORE_CTX_set_time(context.get(), 0, Seconds(now));
    if (X509_verify_cert(context.get()) == 1) return absl::OkStatus();
    ERR_clear_error();
    const int why = X509_STORE_CTX_get_error(context.get());
    return absl::UnauthenticatedError(fmt::format("the worker's certificate ({}) is refused: {}",
                                                  Subject(shown.front().get()),
                                                  X509_verify_cert_error_string(why)));
  }

 private:
  const TrustStore store_;
};

}  // namespace

StatusOr<std::string> ReadCertificates(const std::string& file) {
  ASSIGN_OR_RETURN(std::string text, ReadFile(file));
  if (Parse(text).empty()) {
    return InvalidArgument("{}: no CERTIFICATE in PEM format (-----BEGIN …) in this file", file);
  }
  return text;
}

StatusOr<CertificatePair> ReadPair(const std::string& certificate_file, const std::string& key_file,
                                   WallTime now) {
  CertificatePair pair;
  ASSIGN_OR_RETURN(pair.certificate, ReadCertificates(certificate_file));
  ASSIGN_OR_RETURN(pair.key, ReadFile(key_file));
  const Key key = ParseKey(pair.key);
  if (key == nullptr) {
    return InvalidArgument(
        "{}: no PRIVATE KEY in PEM format (-----BEGIN …) and without a password in this file", key_file);
  }
  const std::vector<Certificate> certificates = Parse(pair.certificate);
  if (X509_check_private_key(certificates.front().get(), key.get()) != 1) {
    ERR_clear_error();
    return InvalidArgument("{} and {} are no pair: the certificate is of another key", certificate_file,
                           key_file);
  }
  RETURN_IF_ERROR(CheckTime(certificate_file, certificates.front().get(), now));
  return pair;
}

StatusOr<std::unique_ptr<ClientVerifier>> ClientVerifier::Create(const std::string& ca_file) {
  ASSIGN_OR_RETURN(const std::string text, ReadCertificates(ca_file));
  TrustStore store(X509_STORE_new());
  if (store == nullptr) return Internal("OpenSSL has no memory");
  for (const Certificate& one : Parse(text)) X509_STORE_add_cert(store.get(), one.get());
  return std::make_unique<StoreVerifier>(std::move(store));
}

}  // namespace lorikeet::rpc
