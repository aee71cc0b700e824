// (m, k) @ (k, n), output-stationary. `a_mem` and `b_mem` are row major. Result (i, j) stands in `result` of column
// j mod COLS, entry (j / COLS) * m + i, once it has left the accumulators. `waits`, `continues`: see `collector`; with
// `keeps` sums stay there for the next part of k. `cycles` counts from the first operands at the
// edge to the last sum in a bottom register.
module gemm_os #(
    parameter ROWS = 4, parameter COLS = 4, parameter BITS = 8, parameter ACC = 32, parameter WRAP = 0,
    parameter DEPTH = 2048, parameter BANK = 2048, parameter SIZE = 16
) (
    input  wire            clk,
    input  wire            start,
    input  wire [SIZE-1:0] m,
    input  wire [SIZE-1:0] k,
    input  wire [SIZE-1:0] n,
    input  wire            waits,
    input  wire            continues,
    input  wire            keeps,
    output reg             done,
    output reg  [31:0]     cycles,
    output reg  [31:0]     overflows
);
    reg signed [BITS-1:0] a_mem [0:DEPTH-1];
    reg signed [BITS-1:0] b_mem [0:DEPTH-1];

    wire            streaming;
    wire [SIZE-1:0] term, m0, n0;
    wire [ROWS-1:0] take, hold, row_valid;
    wire [ROWS*BITS-1:0] row_data;
    wire [COLS*BITS-1:0] col_data;
    wire [COLS-1:0]      col_valid, bottom_valid, bank_over, empty;
    reg                  ended;
    wire [COLS*ACC-1:0]  bottom;
    wire [ROWS*COLS-1:0] over;

    sequencer_os #(.ROWS(ROWS), .COLS(COLS), .SIZE(SIZE)) sequencer (
        .clk(clk), .start(start), .m(m), .k(k), .n(n), .streaming(streaming), .term(term), .m0(m0), .n0(n0),
        .take(take), .hold(hold));

    genvar i;
    generate
        for (i = 0; i < ROWS; i = i + 1) begin : left
            wire [31:0] place = (m0 + i) * k + term;
            assign row_valid[i] = streaming && m0 + i < m;
            assign row_data[i*BITS +: BITS] = a_mem[place];
        end
        for (i = 0; i < COLS; i = i + 1) begin : column
            wire [31:0] place = term * n + n0 + i;
            assign col_valid[i] = streaming && n0 + i < n;
            assign col_data[i*BITS +: BITS] = b_mem[place];
            wire                  leaves;
            wire signed [ACC-1:0] finished;
            wire [SIZE-1:0]       entry;
            reg  signed [ACC-1:0] result [0:DEPTH-1];
            collector #(
                .ROWS(ROWS), .COLS(COLS), .COLUMN(i), .ACC(ACC), .WRAP(WRAP), .BANK(BANK), .SIZE(SIZE)
            ) under (
                .clk(clk), .rst(start), .valid(bottom_valid[i]), .sum(bottom[i*ACC +: ACC]), .m(m), .n(n),
                .waits(waits), .continues(continues), .drain(ended && !keeps), .over(bank_over[i]),
                .leaves(leaves), .finished(finished), .entry(entry), .empty(empty[i]));
            always @(posedge clk) if (leaves) result[entry] <= finished;
        end
    endgenerate

    array_os #(.ROWS(ROWS), .COLS(COLS), .BITS(BITS), .ACC(ACC), .WRAP(WRAP)) grid (
        .clk(clk), .rst(start), .row_data(row_data), .row_valid(row_valid), .row_first(streaming && term == 0),
        .take(take), .hold(hold), .col_data(col_data), .col_valid(col_valid),
        .bottom(bottom), .bottom_valid(bottom_valid), .over(over));

    reg [31:0] pending, taken, lost;
    integer j;
    always @* begin
        taken = 0;
        lost = 0;
        for (j = 0; j < COLS; j = j + 1) begin
            taken = taken + bottom_valid[j];
            lost = lost + bank_over[j];
        end
        for (j = 0; j < ROWS * COLS; j = j + 1) lost = lost + over[j];
    end

    always @(posedge clk)
        if (start) begin
            done <= 1'b0;
            cycles <= 0;
            overflows <= 0;
            ended <= 1'b0;
            pending <= m * n;
        end else if (!done) begin
            pending <= pending - taken;
            overflows <= overflows + lost;
            if (pending == taken) ended <= 1'b1;
            else cycles <= cycles + 1;
            if (ended && (keeps || &empty)) done <= 1'b1;
        end
endmodule
