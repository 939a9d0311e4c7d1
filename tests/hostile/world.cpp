#include "world.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <random>
#include <stdexcept>

#include <google/protobuf/util/json_util.h>

#include "base/ids.hpp"
#include "pg/connection.hpp"
#include "rpc/channel.hpp"
#include "rpc/errors.hpp"
#include "support/status.hpp"
#include "support/wait_until.hpp"

extern char** environ;

namespace lt::test {
namespace {

std::string variable_of(const std::string& key) {
  std::string name = "LIENTHONG_" + key;
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return c == '.' ? '_' : static_cast<char>(std::toupper(c)); });
  return name;
}

pid_t spawn(std::vector<std::string> command, const Settings& settings, const std::string& log) {
  std::vector<std::string> environment;
  for (char** one = environ; *one != nullptr; ++one) {
    if (std::strncmp(*one, "LIENTHONG_", 10) != 0) environment.emplace_back(*one);
  }
  for (const auto& [key, value] : settings) environment.push_back(variable_of(key) + "=" + value);
  std::vector<char*> pointers;
  for (auto& one : environment) pointers.push_back(one.data());
  pointers.push_back(nullptr);
  std::vector<char*> arguments;
  for (auto& one : command) arguments.push_back(one.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDERR_FILENO, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  pid_t pid = -1;
  const int failed = posix_spawn(&pid, command[0].c_str(), &files, nullptr, arguments.data(), pointers.data());
  posix_spawn_file_actions_destroy(&files);
  if (failed != 0) throw std::runtime_error("cannot start " + command[0] + ": " + std::strerror(failed));
  return pid;
}

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The port after "address=127.0.0.1:" once it serves, else 0.
int served_port(const std::string& log) {
  const std::string text = text_of(log);
  const auto serving = text.find("exchange_serving");
  if (serving == std::string::npos) return 0;
  const std::string mark = "address=127.0.0.1:";
  const auto at = text.find(mark, serving);
  return at == std::string::npos ? 0 : std::atoi(text.c_str() + at + mark.size());
}

template <typename Message>
Message from_json(const std::string& json) {
  Message message;
  if (!google::protobuf::util::JsonStringToMessage(json, &message).ok()) throw std::runtime_error(json);
  return message;
}

void prepare(ExchangeProcess& exchange) {
  const auto catalog = v1::CatalogService::NewStub(exchange.channel());
  for (const char* name : {"transport", "environment", "mallory"}) {
    v1::CreateOrganisationRequest request;
    request.mutable_organisation()->set_name(name);
    v1::CreateOrganisationResponse response;
    must(rpc::from_grpc_status(catalog->CreateOrganisation(context_of("operator").get(), request, &response)));
  }
  const std::string fields = R"("fields":[{"name":"name","type":"FIELD_TYPE_STRING"},
    {"name":"lanes","type":"FIELD_TYPE_INT64"},{"name":"more","type":"FIELD_TYPE_JSON"}])";
  const auto dataset = [&](const std::string& name, const std::string& owner, const std::string& geometry) {
    v1::CreateDatasetRequest request;
    *request.mutable_dataset() =
        from_json<v1::Dataset>(R"({"name":")" + name + R"(","schema":{"crs":"EPSG:3405","geometry":{"types":[)" +
                               geometry + R"(],"nullable":true},)" + fields + "}}");
    v1::CreateDatasetResponse response;
    must(rpc::from_grpc_status(catalog->CreateDataset(context_of(owner).get(), request, &response)));
  };
  dataset("test.large", "transport", R"("GEOMETRY_TYPE_LINESTRING")");
  dataset("test.usual", "environment", R"("GEOMETRY_TYPE_POINT")");
  dataset("test.target", "mallory", R"("GEOMETRY_TYPE_LINESTRING")");
}

}  // namespace

ExchangeProcess::ExchangeProcess(const std::string& database, const std::string& log, const Settings& settings)
    : log_(log) {
  Settings all{{"database.url", database}, {"server.listen", "127.0.0.1:0"}, {"server.metrics_listen", "127.0.0.1:0"}};
  for (const auto& [key, value] : settings) all[key] = value;
  pid_ = spawn({LT_EXCHANGE_PROGRAM}, all, log);
  if (!wait_until([&] { return (port_ = served_port(log)) != 0; }, seconds(30))) {
    throw std::runtime_error("the exchange does not serve: " + text_of(log));
  }
}

ExchangeProcess::~ExchangeProcess() {
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void Child::kill() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

std::unique_ptr<Child> spawn_stuck_writer(int port) {
  return std::make_unique<Child>(spawn({"/proc/self/exe", kStuckWriter, std::to_string(port)}, {}, "/dev/null"));
}

std::shared_ptr<grpc::Channel> ExchangeProcess::channel() const {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(port_), grpc::InsecureChannelCredentials(), arguments);
}

void ExchangeProcess::mark() {
  reset_peak(pid_);
  marked_ = status_kib(pid_, "VmHWM");
}

int ExchangeProcess::logged(const std::string& text) const {
  std::ifstream file(log_);
  int lines = 0;
  for (std::string line; std::getline(file, line);) lines += line.find(text) == std::string::npos ? 0 : 1;
  return lines;
}

World& World::get() {
  static World world;
  return world;
}

World::World() {
  pg::ClusterOptions options;
  options.directory = directory_.path() + "/cluster";
  options.for_tests = true;
  options.settings = {{"shared_buffers", "32MB"}, {"max_wal_size", "4GB"}};
  cluster_ = std::make_unique<pg::Cluster>(must(pg::Cluster::start(options)));
}

std::unique_ptr<ExchangeProcess> World::start_exchange(const Settings& settings) {
  const std::string log = directory_.path() + "/exchange-" + std::to_string(++exchanges_) + ".log";
  auto exchange = std::make_unique<ExchangeProcess>(cluster_->url(), log, settings);
  if (!prepared_) prepare(*exchange);
  prepared_ = true;
  return exchange;
}

std::int64_t World::count(const std::string& sql) {
  pg::ConnectOptions options;
  options.url = cluster_->url();
  auto connection = must(pg::Connection::open(options));
  return must(connection.execute(sql)).get_int(0, 0);
}

std::int64_t World::open_transactions() {
  return count(
      "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'lienthong/exchange%' AND xact_start IS NOT "
      "NULL");
}

std::int64_t World::staged_tables() {
  return count(
      "SELECT count(DISTINCT substring(tablename FROM '^staged_[0-9]+_[0-9]+_[0-9]+')) FROM pg_tables "
      "WHERE schemaname = 'lienthong_staging'");
}

int World::large_count() {
  constexpr int kDefaultMb = 240;
  const char* const text = std::getenv("LT_HOSTILE_MB");
  const int mb = text == nullptr ? kDefaultMb : std::max(kDefaultMb, std::atoi(text));
  return mb * 1024 / (kFeatureBytes >> 10);
}

void World::need_large(ExchangeProcess& exchange) {
  if (count("SELECT coalesce(max(h.head), 0) FROM lienthong.dataset_head h JOIN lienthong.dataset d ON d.id = "
            "h.dataset_id WHERE d.name = 'test.large'") > 0) {
    return;
  }
  must(publish_large(exchange, large_count()));
}

std::unique_ptr<grpc::ClientContext> context_of(const std::string& organisation, milliseconds limit) {
  auto context = std::make_unique<grpc::ClientContext>();
  rpc::set_identity(*context, organisation);
  context->set_deadline(std::chrono::system_clock::now() + limit);
  return context;
}

v1::Change large_change(int number) {
  constexpr std::size_t kPoint = 16;
  constexpr std::uint32_t kPoints = World::kFeatureBytes / kPoint;
  std::mt19937_64 random(static_cast<std::uint64_t>(number));
  std::string wkb("\x01\x02\x00\x00\x00", 5);
  wkb.append(reinterpret_cast<const char*>(&kPoints), sizeof kPoints);
  for (std::uint32_t i = 0; i < kPoints; ++i) {
    const std::array<double, 2> point{500'000 + static_cast<double>(random() >> 44) / 16,
                                      2'000'000 + static_cast<double>(random() >> 44) / 16};
    wkb.append(reinterpret_cast<const char*>(point.data()), kPoint);
  }
  v1::Change change;
  change.set_op(v1::OPERATION_UPSERT);
  change.mutable_feature()->set_id("line-" + std::to_string(number));
  change.mutable_feature()->set_wkb(std::move(wkb));
  return change;
}

v1::Change small_change(const std::string& id, int lanes) {
  v1::Change change;
  change.set_op(v1::OPERATION_UPSERT);
  change.mutable_feature()->set_id(id);
  (*change.mutable_feature()->mutable_properties()->mutable_fields())["lanes"].set_number_value(lanes);
  return change;
}

v1::PublishHeader header_of(const std::string& dataset) {
  v1::PublishHeader header;
  header.set_dataset(dataset);
  header.set_changeset_id(make_uuid7());
  return header;
}

absl::Status publish_large(ExchangeProcess& exchange, int count) {
  const auto stub = v1::ExchangeService::NewStub(exchange.channel());
  const auto context = context_of("transport", seconds(280));
  const auto stream = stub->Publish(context.get());
  v1::PublishRequest message;
  *message.mutable_header() = header_of("test.large");
  bool open = stream->Write(message);
  for (int i = 0; open && i < count; ++i) {
    message.mutable_batch()->Clear();
    message.mutable_batch()->set_sequence(i + 1);
    *message.mutable_batch()->add_changes() = large_change(i);
    open = stream->Write(message);
  }
  message.mutable_end()->set_changes(count);
  if (open) stream->Write(message);
  stream->WritesDone();
  for (v1::PublishResponse response; stream->Read(&response);) continue;
  return rpc::from_grpc_status(stream->Finish());
}

NormalWork::NormalWork(const ExchangeProcess& exchange, std::string organisation)
    : organisation_(std::move(organisation)),
      channel_(exchange.channel()),
      thread_([this](const std::stop_token& stop) { work(stop); }) {}

NormalWork::~NormalWork() = default;

void NormalWork::work(const std::stop_token& stop) {
  constexpr milliseconds kPause{20};
  const auto stub = v1::ExchangeService::NewStub(channel_);
  for (int i = 0; !stop.stop_requested() && failure_.ok(); ++i) {
    const auto started = std::chrono::steady_clock::now();
    v1::PublishChangesetRequest publish;
    *publish.mutable_header() = header_of("test.usual");
    *publish.add_changes() = small_change("usual", i);
    v1::PublishChangesetResponse receipt;
    failure_ = rpc::from_grpc_status(stub->PublishChangeset(context_of(organisation_).get(), publish, &receipt));
    if (!failure_.ok()) return;
    v1::GetFeatureRequest get;
    get.set_dataset("test.usual");
    get.set_id("usual");
    v1::GetFeatureResponse feature;
    failure_ = rpc::from_grpc_status(stub->GetFeature(context_of(organisation_).get(), get, &feature));
    times_.push_back(std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - started));
    std::this_thread::sleep_for(kPause);
  }
}

int NormalWork::stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
  must(failure_);
  std::sort(times_.begin(), times_.end());
  std::cout << "  normal work: " << times_.size() << " publishes and reads, median " << median().count()
            << " ms, slowest " << slowest().count() << " ms\n";
  return static_cast<int>(times_.size());
}

milliseconds NormalWork::at(double part) const {
  if (times_.empty()) return milliseconds::max();
  return times_[static_cast<std::size_t>(part * static_cast<double>(times_.size() - 1))];
}

void report(const std::string& what, std::int64_t kib, std::int64_t bound_kib) {
  std::cout << "  " << what << ": " << static_cast<double>(kib / 102) / 10 << " MiB, at most " << bound_kib / kMiB
            << " MiB\n";
}

}  // namespace lt::test
