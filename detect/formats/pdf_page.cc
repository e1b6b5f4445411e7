#include "detect/formats/pdf_page.h"

#include <algorithm>
#include <cmath>

namespace sekisho::detect {
namespace {

using Kind = PdfValue::Kind;

constexpr size_t kMaxSaved = 64;
constexpr size_t kMaxOperands = 1024;
// In ems: above it pieces stand apart, above the second they are cells.
constexpr double kSpaceGap = 0.2;
constexpr double kCellGap = 0.8;

double Number(const std::vector<PdfValue>& args, size_t index) {
  return index < args.size() ? args[index].number : 0;
}

}  // namespace

const PdfFont& PdfFonts::Get(const PdfValue& reference) {
  if (!reference.Is(Kind::kRef)) {
    inline_font_ = PdfFont::Load(file_, reference);
    return inline_font_;
  }
  const auto known = fonts_.find(reference.ref());
  if (known != fonts_.end()) {
    return known->second;
  }
  // References into the map stay valid.
  return fonts_
      .emplace(reference.ref(), PdfFont::Load(file_, file_->Resolve(reference)))
      .first->second;
}

PdfPage::Matrix PdfPage::Multiply(const Matrix& a, const Matrix& b) {
  return {a[0] * b[0] + a[1] * b[2],        a[0] * b[1] + a[1] * b[3],
          a[2] * b[0] + a[3] * b[2],        a[2] * b[1] + a[3] * b[3],
          a[4] * b[0] + a[5] * b[2] + b[4], a[4] * b[1] + a[5] * b[3] + b[5]};
}

void PdfPage::MoveLine(double x, double y) {
  line_ = Multiply({1, 0, 0, 1, x, y}, line_);
  text_ = line_;
}

void PdfPage::Show(std::string_view codes) {
  if (state_.font == nullptr) {
    return;
  }
  PdfFont::Shown shown = state_.font->Show(codes);
  characters_ += shown.characters;
  unknown_ += shown.unknown;
  const double advance =
      (shown.width * state_.size + state_.character_space * shown.characters +
       state_.word_space * shown.spaces) *
      state_.scale;
  const Matrix place = Multiply(text_, state_.ctm);
  const double along = std::hypot(place[0], place[1]);
  Piece piece;
  piece.size = std::fabs(state_.size) * along;
  if (std::fabs(place[1]) > std::fabs(place[0])) {
    // Turned by a quarter: read along the text.
    piece.x = place[1] > 0 ? place[5] : -place[5];
    piece.y = place[1] > 0 ? -place[4] : place[4];
  } else {
    piece.x = place[4];
    piece.y = place[5];
  }
  piece.end = piece.x + advance * along;
  piece.text = std::move(shown.text);
  text_ = Multiply({1, 0, 0, 1, advance, 0}, text_);
  if (pieces_.size() >= kMaxPdfPieces) {
    too_much_ = true;
  } else if (!piece.text.empty() && std::isfinite(piece.x) &&
             std::isfinite(piece.y) && std::isfinite(piece.end)) {
    pieces_.push_back(std::move(piece));
  }
}

void PdfPage::ShowArray(const PdfValue& array) {
  for (const PdfValue& item : array.items) {
    if (item.Is(Kind::kString)) {
      Show(item.text);
    } else if (item.Is(Kind::kNumber)) {
      text_ = Multiply(
          {1, 0, 0, 1, -item.number / 1000 * state_.size * state_.scale, 0},
          text_);
    }
  }
}

bool PdfPage::TextOperator(std::string_view name,
                           const std::vector<PdfValue>& args) {
  if (name == "BT") {
    text_ = line_ = {1, 0, 0, 1, 0, 0};
  } else if (name == "Tf" && args.size() >= 2) {
    const PdfValue fonts = file_->Resolve(resources_["Font"]);
    state_.font = &fonts_->Get(fonts[args[0].text]);
    state_.size = args[1].number;
  } else if (name == "Td" || name == "TD") {
    if (name == "TD") {
      state_.leading = -Number(args, 1);
    }
    MoveLine(Number(args, 0), Number(args, 1));
  } else if (name == "Tm" && args.size() >= 6) {
    for (size_t i = 0; i < 6; ++i) {
      line_[i] = args[i].number;
    }
    text_ = line_;
  } else if (name == "T*") {
    MoveLine(0, -state_.leading);
  } else if (name == "Tj" && !args.empty()) {
    Show(args[0].text);
  } else if (name == "TJ" && !args.empty()) {
    ShowArray(args[0]);
  } else if (name == "'" && !args.empty()) {
    MoveLine(0, -state_.leading);
    Show(args[0].text);
  } else if (name == "\"" && args.size() >= 3) {
    state_.word_space = args[0].number;
    state_.character_space = args[1].number;
    MoveLine(0, -state_.leading);
    Show(args[2].text);
  } else {
    return false;
  }
  return true;
}

void PdfPage::StateOperator(std::string_view name,
                            const std::vector<PdfValue>& args) {
  if (name == "q") {
    if (saved_.size() < kMaxSaved) {
      saved_.push_back(state_);
    }
  } else if (name == "Q") {
    if (!saved_.empty()) {
      state_ = saved_.back();
      saved_.pop_back();
    }
  } else if (name == "cm" && args.size() >= 6) {
    Matrix matrix;
    for (size_t i = 0; i < 6; ++i) {
      matrix[i] = args[i].number;
    }
    state_.ctm = Multiply(matrix, state_.ctm);
  } else if (name == "Tc") {
    state_.character_space = Number(args, 0);
  } else if (name == "Tw") {
    state_.word_space = Number(args, 0);
  } else if (name == "Tz") {
    state_.scale = Number(args, 0) / 100;
  } else if (name == "TL") {
    state_.leading = Number(args, 0);
  } else if (name == "Do" && !args.empty()) {
    DrawObject(args[0].text);
  }
}

void PdfPage::DrawObject(const std::string& name) {
  const PdfValue objects = file_->Resolve(resources_["XObject"]);
  const PdfValue& reference = objects[name];
  const PdfObject object = file_->Load(reference.ref());
  if (object.value["Subtype"].IsName("Image")) {
    ++pictures_;
    return;
  }
  if (!object.value["Subtype"].IsName("Form")) {
    return;
  }
  if (forms_.size() >= kMaxPdfForms) {
    too_much_ = true;
    return;
  }
  Form form;
  form.number = reference.ref();
  form.ctm = state_.ctm;
  const PdfValue matrix = file_->Resolve(object.value["Matrix"]);
  if (matrix.items.size() == 6) {
    Matrix own;
    for (size_t i = 0; i < 6; ++i) {
      own[i] = matrix.items[i].number;
    }
    form.ctm = Multiply(own, form.ctm);
  }
  form.resources = file_->Resolve(object.value["Resources"]);
  if (!form.resources.Is(Kind::kDict)) {
    form.resources = resources_;
  }
  forms_.push_back(std::move(form));
}

void PdfPage::Draw(std::string_view content, const PdfValue& resources) {
  resources_ = resources;
  PdfParser parser(content);
  PdfValue value;
  std::vector<PdfValue> args;
  while (parser.Next(&value)) {
    if (!value.Is(Kind::kOperator)) {
      if (args.size() < kMaxOperands) {
        args.push_back(std::move(value));
      }
      continue;
    }
    if (value.text == "ID") {
      // An inline picture: its bytes end with EI between spaces.
      ++pictures_;
      const size_t end = content.find("EI", parser.at());
      if (end == std::string_view::npos) {
        break;
      }
      parser.Skip(end + 2 - parser.at());
    } else if (!TextOperator(value.text, args)) {
      StateOperator(value.text, args);
    }
    args.clear();
  }
}

void PdfPage::DrawForms() {
  for (size_t i = 0; i < forms_.size(); ++i) {
    const Form form = forms_[i];
    const auto content = file_->Decode(file_->Load(form.number));
    if (!content) {
      continue;
    }
    saved_.clear();
    state_ = {};
    state_.ctm = form.ctm;
    Draw(*content, form.resources);
  }
}

std::vector<PdfPage::Line> PdfPage::Lines() {
  std::sort(pieces_.begin(), pieces_.end(), [](const Piece& a, const Piece& b) {
    return a.y != b.y ? a.y > b.y : a.x < b.x;
  });
  std::vector<Line> lines;
  for (size_t begin = 0; begin < pieces_.size();) {
    size_t end = begin + 1;
    const double slack = std::max(0.5, pieces_[begin].size * 0.4);
    while (end < pieces_.size() && pieces_[begin].y - pieces_[end].y < slack) {
      ++end;
    }
    std::sort(pieces_.begin() + static_cast<std::ptrdiff_t>(begin),
              pieces_.begin() + static_cast<std::ptrdiff_t>(end),
              [](const Piece& a, const Piece& b) { return a.x < b.x; });
    Line line;
    double at = 0;
    for (size_t i = begin; i < end; ++i) {
      const Piece& piece = pieces_[i];
      const double gap = piece.x - at;
      const double em = std::max(piece.size, 0.01);
      line.size = std::max(line.size, em);
      if (line.cells.empty() || gap > kCellGap * em) {
        line.cells.push_back({piece.x, piece.text});
      } else {
        std::string& text = line.cells.back().text;
        text += gap > kSpaceGap * em ? " " + piece.text : piece.text;
      }
      at = std::max(at, piece.end);
      at = line.cells.size() == 1 && line.cells[0].text == piece.text
               ? piece.end
               : at;
    }
    lines.push_back(std::move(line));
    begin = end;
  }
  return lines;
}

// Where the columns of a table begin: places at which many lines have a cell.
std::vector<double> PdfPage::Anchors(const std::vector<Line>& lines) const {
  std::vector<double> starts;
  size_t rows = 0;
  double size = 1;
  for (const Line& line : lines) {
    if (line.cells.size() >= 3) {
      ++rows;
      size = line.size;
      for (const Cell& cell : line.cells) {
        starts.push_back(cell.x);
      }
    }
  }
  std::vector<double> anchors;
  if (rows < 3) {
    return anchors;
  }
  std::sort(starts.begin(), starts.end());
  size_t covered = 0;
  for (size_t begin = 0; begin < starts.size();) {
    size_t end = begin;
    while (end < starts.size() && starts[end] - starts[begin] < size * 0.5) {
      ++end;
    }
    if ((end - begin) * 10 >= rows * 3) {
      anchors.push_back(starts[begin]);
      covered += end - begin;
    }
    begin = end;
  }
  // Otherwise the cells are centred or aligned to the right.
  return covered * 10 >= starts.size() * 9 ? anchors : std::vector<double>{};
}

void PdfPage::Write(TextParts* parts) {
  const std::vector<Line> lines = Lines();
  const std::vector<double> anchors = Anchors(lines);
  std::vector<std::string> cells;
  for (const Line& line : lines) {
    cells.clear();
    for (const Cell& cell : line.cells) {
      size_t column = cells.size();
      if (line.cells.size() >= 2 && !anchors.empty()) {
        const auto next = std::upper_bound(anchors.begin(), anchors.end(),
                                           cell.x + line.size * 0.5);
        const size_t at = static_cast<size_t>(next - anchors.begin());
        column = std::max(column, at > 0 ? at - 1 : 0);
      }
      cells.resize(std::max(cells.size(), column + 1));
      cells[column] = cell.text;
    }
    parts->Row(cells);
  }
  pieces_.clear();
}

}  // namespace sekisho::detect
