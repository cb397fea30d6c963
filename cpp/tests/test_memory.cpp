#include <fstream>

#include "../player/memory.hpp"
#include "support.hpp"

using namespace skyseg;

namespace {

/// Resident pages of files, KiB.
long file_pages() {
    std::ifstream stream("/proc/self/status");
    for (std::string key; stream >> key;) {
        long kilobytes = 0;
        if (key == "RssFile:" && stream >> kilobytes) return kilobytes;
    }
    return 0;
}

int sky_found(Engine& engine) { return horizon_in(engine.run(scene({96, 64}, 30)).labels); }

}  // namespace

TEST_CASE("the code of starting up is let go of, and is there again when it is needed") {
    Engine engine = Engine::open(fixture("binary.onnx"));
    const int found = sky_found(engine);
    const long before = file_pages();
    let_go_of_startup();
    CHECK(file_pages() < before / 2);
    CHECK(sky_found(engine) == found);
    Engine another = Engine::open(fixture("binary.onnx"));
    CHECK(sky_found(another) == found);
}
