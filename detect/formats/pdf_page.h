// The text of one PDF page in lines and cells: its operators (ISO 32000-1, 9)
// give pieces of text with their places, and pieces on one height make a row.
#pragma once

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "detect/formats/pdf_file.h"
#include "detect/formats/pdf_font.h"
#include "detect/formats/text_parts.h"

namespace sekisho::detect {

inline constexpr size_t kMaxPdfPieces = 200'000;  // of one page
inline constexpr size_t kMaxPdfForms = 256;       // drawn on one page

class PdfFonts {
 public:
  explicit PdfFonts(PdfFile* file) : file_(file) {}
  const PdfFont& Get(const PdfValue& reference);

 private:
  PdfFile* file_;
  std::map<uint32_t, PdfFont> fonts_;
  PdfFont inline_font_;
};

class PdfPage {
 public:
  PdfPage(PdfFile* file, PdfFonts* fonts) : file_(file), fonts_(fonts) {}

  void Draw(std::string_view content, const PdfValue& resources);
  // Forms the content drew, until there are no more.
  void DrawForms();
  // Rows of what was drawn.
  void Write(TextParts* parts);

  int characters() const { return characters_; }
  int unknown() const { return unknown_; }
  int pictures() const { return pictures_; }
  bool too_much() const { return too_much_; }

 private:
  using Matrix = std::array<double, 6>;
  struct State {
    Matrix ctm = {1, 0, 0, 1, 0, 0};
    const PdfFont* font = nullptr;
    double size = 1;
    double character_space = 0;
    double word_space = 0;
    double scale = 1;
    double leading = 0;
    double rise = 0;
  };
  struct Piece {
    double x = 0;
    double y = 0;
    double end = 0;
    double size = 0;
    std::string text;
  };
  struct Form {
    uint32_t number = 0;
    Matrix ctm{};
    PdfValue resources;
  };
  struct Cell {
    double x = 0;
    std::string text;
  };
  struct Line {
    double size = 0;
    std::vector<Cell> cells;
  };
  static Matrix Multiply(const Matrix& a, const Matrix& b);
  bool TextOperator(std::string_view name, const std::vector<PdfValue>& args);
  void StateOperator(std::string_view name, const std::vector<PdfValue>& args);
  void ShowArray(const PdfValue& array);
  void Show(std::string_view codes);
  void MoveLine(double x, double y);
  void DrawObject(const std::string& name);
  std::vector<Line> Lines();
  std::vector<double> Anchors(const std::vector<Line>& lines) const;

  PdfFile* file_;
  PdfFonts* fonts_;
  PdfValue resources_;
  State state_;
  std::vector<State> saved_;
  Matrix text_{1, 0, 0, 1, 0, 0};
  Matrix line_{1, 0, 0, 1, 0, 0};
  std::vector<Form> forms_;
  std::vector<Piece> pieces_;
  int characters_ = 0;
  int unknown_ = 0;
  int pictures_ = 0;
  bool too_much_ = false;
};

}  // namespace sekisho::detect
