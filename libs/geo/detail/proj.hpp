// Owners of PROJ's C objects. An object must die before the context it was made in: declare contexts first.
#pragma once

#include <memory>

#include <proj.h>

namespace lt::geo::detail {

struct ProjDeleter {
  void operator()(PJ_CONTEXT* context) const { proj_context_destroy(context); }
  void operator()(PJ* object) const { proj_destroy(object); }
  void operator()(PJ_OBJ_LIST* list) const { proj_list_destroy(list); }
  void operator()(PJ_OPERATION_FACTORY_CONTEXT* factory) const { proj_operation_factory_context_destroy(factory); }
};
using ProjContext = std::unique_ptr<PJ_CONTEXT, ProjDeleter>;
using ProjObject = std::unique_ptr<PJ, ProjDeleter>;
using ProjList = std::unique_ptr<PJ_OBJ_LIST, ProjDeleter>;
using ProjFactory = std::unique_ptr<PJ_OPERATION_FACTORY_CONTEXT, ProjDeleter>;

/// A context that never uses the network and never prints.
[[nodiscard]] inline ProjContext make_proj_context() {
  ProjContext context(proj_context_create());
  proj_context_set_enable_network(context.get(), 0);
  proj_log_level(context.get(), PJ_LOG_NONE);
  return context;
}

/// The CRS EPSG:code, or null.
[[nodiscard]] ProjObject make_crs(PJ_CONTEXT* context, int epsg);

}  // namespace lt::geo::detail
