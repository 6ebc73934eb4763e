// The module: its name and version, the same as in manifest.yaml, and its connectors.
#include <plakar/connector.hpp>

extern const plk_connector my_kind_connector;

PLK_PLUGIN("my-template", "0.1.0",  //
           &my_kind_connector)
