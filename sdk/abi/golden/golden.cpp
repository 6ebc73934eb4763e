// The same as golden.c over <plakar/connector.hpp>, which must stay able to make modules that run:
// with an emitting scan, and with locks, for it says that it takes calls from several threads.
#include <plakar/connector.hpp>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace {

using key_of = std::pair<std::uint32_t, std::string>;

// What all have.
template <class Kind>
class in_memory : public Kind {
 public:
  explicit in_memory(const plk::opening& how) : context_(how.context()) {
    if (how.location().empty() || how.config().size() == 0) {
      throw plk::failure(PLK_E_CONFIG, "there is no location");
    }
    context_.log(PLK_LOG_INFO, "opened", {{"location", how.location()}});
  }
  plk::place where() const override { return plk::place("memory", "memory", "/"); }
  void ping(plk::call& during) override { during.check(); }
  static void config_check(const plk::config& config) { config.required("location"); }

 protected:
  plk::context context_;
  std::mutex mutex_;
};

// --- The store --------------------------------------------------------------------------------

class memory_store : public in_memory<plk::store> {
 public:
  using in_memory<plk::store>::in_memory;

  void create(plk::call&, plk::octets config) override {
    if (config_) throw plk::failure(PLK_E_EXISTS, "there is a store already");
    config_.reset(new std::string(config.str()));
  }
  void load(plk::call&, plk::sink& config) override {
    if (!config_) throw plk::failure(PLK_E_NOT_FOUND, "there is no store");
    config.write(plk::octets(*config_));
  }
  std::uint32_t mode(plk::call&) override { return PLK_MODE_READ | PLK_MODE_WRITE; }
  std::uint64_t used_bytes(plk::call&) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::uint64_t sum = 0;
    for (const auto& one : objects_) sum += one.second.size();
    return sum;
  }
  std::unique_ptr<plk::lister> list(plk::call& during, std::uint32_t ns, plk::octets) override {
    during.check();
    const std::lock_guard<std::mutex> lock(mutex_);
    std::vector<plk::name> names;
    for (const auto& one : objects_) {
      if (one.first.first == ns) names.emplace_back(one.first.second, one.second.size());
    }
    return std::unique_ptr<plk::lister>(new plk::known_names(std::move(names)));
  }
  std::uint64_t object_size(plk::call&, const plk::object& which) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    return find(which).size();
  }
  std::size_t get(plk::call&, const plk::object& which, std::uint64_t offset,
                  plk::buffer out) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    const std::string& all = find(which);
    if (offset >= all.size()) return 0;
    return all.copy(reinterpret_cast<char*>(out.data()), out.size(),
                    static_cast<std::size_t>(offset));
  }
  void put(plk::call& during, const plk::object& as, const plk::parts& content) override {
    std::string whole;
    for (std::size_t i = 0; i < content.size(); i++) whole += content[i].str();
    during.check();
    add(as, std::move(whole));
  }
  void remove(plk::call&, const plk::object& which) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    objects_.erase(key_of(which.ns, which.key.str()));
  }
  std::unique_ptr<plk::upload> start(plk::call&, std::uint32_t, std::uint32_t,
                                     std::uint64_t) override {
    return std::unique_ptr<plk::upload>(new memory_upload(*this));
  }

  void add(const plk::object& as, std::string&& content) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const key_of key(as.ns, as.key.str());
    if (as.if_absent() && objects_.count(key) != 0) {
      throw plk::failure(PLK_E_EXISTS, "there is such an object already");
    }
    objects_[key] = std::move(content);
  }

 private:
  class memory_upload : public plk::upload {
   public:
    explicit memory_upload(memory_store& store) : store_(store) {}
    void write(plk::call& during, plk::octets bytes) override {
      during.check();
      content_ += bytes.str();
    }
    void commit(plk::call&, const plk::object& as) override { store_.add(as, std::move(content_)); }

   private:
    memory_store& store_;
    std::string content_;
  };

  const std::string& find(const plk::object& which) {
    const auto found = objects_.find(key_of(which.ns, which.key.str()));
    if (found == objects_.end()) throw plk::failure(PLK_E_NOT_FOUND, "no such object");
    return found->second;
  }

  std::unique_ptr<std::string> config_;
  std::map<key_of, std::string> objects_;
};

// --- The source -------------------------------------------------------------------------------

class counting_reader : public plk::reader {
 public:
  counting_reader(std::uint64_t at, std::uint64_t size) : at_(at), size_(size) {}
  std::size_t read(plk::call& during, plk::buffer out) override {
    during.check();
    std::size_t got = 0;
    while (got < out.size() && at_ < size_) {
      out.data()[got++] = static_cast<std::uint8_t>(at_++ % 251);
    }
    return got;
  }

 private:
  std::uint64_t at_;
  std::uint64_t size_;
};

class memory_scan : public plk::emitting_scan {
 public:
  explicit memory_scan(const plk::context& where) : emitting_scan(where, 2) {}
  ~memory_scan() override { stop(); }

  std::unique_ptr<plk::reader> open(plk::call&, std::uint64_t id, std::uint64_t offset) override {
    if (id < 2 || id > 6) throw plk::failure(PLK_E_INVALID_ARG, "no such record");
    return std::unique_ptr<plk::reader>(new counting_reader(offset, (id - 1) * 700));
  }

 protected:
  void emit() override {
    plk::record root;
    root.id = 1;
    root.type = PLK_R_DIR;
    root.path = "/";
    give(std::move(root));
    for (std::uint64_t i = 1; i <= 5; i++) {
      plk::record file;
      file.id = i + 1;
      file.flags = PLK_RF_HAS_DATA;
      file.path = std::string("/") + static_cast<char>('a' + i - 1);
      file.size(i * 700).change_token("token");
      file.xattrs.push_back(plk::xattr{"user.note", "value", PLK_XATTR_EXTENDED});
      give(std::move(file));
    }
    plk::record error;
    error.id = 7;
    error.path = "/unreadable";
    error.error(PLK_E_PERMISSION, "permission denied");
    give(std::move(error));
  }
};

class memory_source : public in_memory<plk::source> {
 public:
  using in_memory<plk::source>::in_memory;

  std::unique_ptr<plk::scan> start(plk::call&, const plk_scan_args&) override {
    return std::unique_ptr<plk::scan>(new memory_scan(context_));
  }
  plk::amount estimate(plk::call&) override { return plk::amount{7, 700 * (1 + 2 + 3 + 4 + 5)}; }
};

// --- The destination --------------------------------------------------------------------------

class memory_destination : public in_memory<plk::destination> {
 public:
  using in_memory<plk::destination>::in_memory;

  std::unique_ptr<plk::restore> start(plk::call&, const plk_export_args& how) override {
    if (how.existing > PLK_EXISTING_RESUME) {
      throw plk::failure(PLK_E_UNSUPPORTED, "unknown: what to do about existing files");
    }
    return std::unique_ptr<plk::restore>(new memory_restore(*this, how.existing));
  }

 private:
  class memory_writer : public plk::writer {
   public:
    memory_writer(memory_destination& to, std::string path) : to_(to), path_(std::move(path)) {}
    void write(plk::call& during, plk::octets bytes) override {
      during.check();
      content_ += bytes.str();
    }
    std::uint64_t commit(plk::call&) override {
      const std::lock_guard<std::mutex> lock(to_.mutex_);
      to_.files_[path_] = content_;
      return content_.size();
    }

   private:
    memory_destination& to_;
    std::string path_;
    std::string content_;
  };

  class memory_restore : public plk::restore {
   public:
    memory_restore(memory_destination& to, std::uint32_t existing) : to_(to), existing_(existing) {}
    std::unique_ptr<plk::writer> put(plk::call&, const plk::given_record& record) override {
      const std::string path = record.path().str();
      if (path.compare(0, 3, "/..") == 0) {
        throw plk::failure(PLK_E_UNSUPPORTED, "a path that leaves the destination").per_item();
      }
      if (!record.has_data()) return nullptr;
      const std::lock_guard<std::mutex> lock(to_.mutex_);
      if (to_.files_.count(path) != 0) {
        if (existing_ == PLK_EXISTING_SKIP) return nullptr;
        if (existing_ == PLK_EXISTING_FAIL) {
          throw plk::failure(PLK_E_EXISTS, "there is such a file already").per_item();
        }
      }
      return std::unique_ptr<plk::writer>(new memory_writer(to_, path));
    }
    void finish(plk::call&, std::vector<plk::record>&) override {}

   private:
    memory_destination& to_;
    std::uint32_t existing_;
  };

  std::map<std::string, std::string> files_;
};

// --- Secrets, inventory -----------------------------------------------------------------------

class one_secret : public in_memory<plk::secret_provider> {
 public:
  using in_memory<plk::secret_provider>::in_memory;
  std::int64_t find(plk::call&, plk::text path, plk::sink& value) override {
    if (path != "known") throw plk::failure(PLK_E_NOT_FOUND, "no such secret");
    value.write(plk::text("sesame"));
    return 60;
  }
};

class one_resource : public plk::resource_lister {
 public:
  bool next(plk::call&, std::vector<plk::resource>& out) override {
    if (done_) return false;
    done_ = true;
    plk::resource one;
    one.urn = "urn:golden:1";
    one.tags = {"owner", "nobody"};
    one.endpoints = {"host", "db.example.org"};
    out.push_back(std::move(one));
    return true;
  }

 private:
  bool done_ = false;
};

class small_inventory : public in_memory<plk::inventory> {
 public:
  using in_memory<plk::inventory>::in_memory;
  std::unique_ptr<plk::resource_lister> list(plk::call&) override {
    return std::unique_ptr<plk::resource_lister>(new one_resource);
  }
};

constexpr plk_connector store = plk::store_connector<memory_store>(
    "golden-store", PLK_CAP_CONCURRENT | PLK_CAP_PUT_IF_ABSENT | PLK_CAP_STRONG_LIST, 1);
constexpr plk_connector source = plk::source_connector<memory_source>(
    "golden-source", PLK_CAP_CONCURRENT | PLK_CAP_RANGE | PLK_CAP_CHANGE_TOKEN, 1);
constexpr plk_connector destination =
    plk::destination_connector<memory_destination>("golden-destination", PLK_CAP_CONCURRENT, 1);
constexpr plk_connector secrets =
    plk::secrets_connector<one_secret>("golden-secrets", PLK_CAP_CONCURRENT, 1);
constexpr plk_connector inventory =
    plk::inventory_connector<small_inventory>("golden-inventory", PLK_CAP_CONCURRENT, 1);

}  // namespace

PLK_PLUGIN("golden", "1.0.0", &store, &source, &destination, &secrets, &inventory)
