// (m, k) @ (k, n), weight-stationary; with TRANSPOSED the inputs stay instead (input-stationary): the transposed
// product runs, so m and n change places. `a_mem` and `b_mem` are row major. Result (i, j) of the product that runs
// stands in `result` of column j mod COLS, entry (j / COLS) * streamed + i, once it has left the accumulators.
// `turn`, `longer`, `waits`, `continues`: see `accumulator`. With `keeps` sums stay there for the next part of k.
// `cycles` counts from the first weight at the edge to the last sum in a bottom register.
module gemm_ws #(
    parameter ROWS = 4, parameter COLS = 4, parameter BITS = 8, parameter ACC = 32, parameter WRAP = 0,
    parameter HIDDEN = 1, parameter TRANSPOSED = 0, parameter DEPTH = 2048, parameter BANK = 2048, parameter SIZE = 16
) (
    input  wire            clk,
    input  wire            start,
    input  wire [SIZE-1:0] m,
    input  wire [SIZE-1:0] k,
    input  wire [SIZE-1:0] n,
    input  wire [SIZE-1:0] turn,
    input  wire [SIZE-1:0] longer,
    input  wire            waits,
    input  wire            continues,
    input  wire            keeps,
    output reg             done,
    output reg  [31:0]     cycles,
    output reg  [31:0]     overflows,
    output reg  [31:0]     clashes
);
    reg signed [BITS-1:0] a_mem [0:DEPTH-1];
    reg signed [BITS-1:0] b_mem [0:DEPTH-1];

    wire [SIZE-1:0] streamed = TRANSPOSED != 0 ? n : m;
    wire [SIZE-1:0] across   = TRANSPOSED != 0 ? m : n;
    wire            streaming, loading;
    wire [SIZE-1:0] row, stream_first, stream_k0, stream_n0, index, load_k0, load_n0, load_used;

    sequencer_ws #(.ROWS(ROWS), .COLS(COLS), .HIDDEN(HIDDEN), .SIZE(SIZE)) sequencer (
        .clk(clk), .start(start), .streamed(streamed), .inner(k), .across(across),
        .turn(turn), .longer(longer),
        .streaming(streaming), .row(row), .stream_first(stream_first), .stream_k0(stream_k0), .stream_n0(stream_n0),
        .loading(loading), .index(index), .load_k0(load_k0), .load_n0(load_n0), .load_used(load_used));

    wire [ROWS*BITS-1:0] row_data;
    wire [ROWS-1:0]      row_valid, load_enable;
    wire [COLS*BITS-1:0] load_data;
    wire [COLS-1:0]      load_valid, chain_valid, bottom_valid, bank_over, empty, clash;
    wire [SIZE-1:0]      at = stream_first + row;
    reg                  ended;
    wire [COLS*ACC-1:0]  bottom;
    wire [ROWS*COLS-1:0] over;

    genvar i;
    generate
        for (i = 0; i < ROWS; i = i + 1) begin : left
            wire [31:0] place = TRANSPOSED != 0 ? (stream_k0 + i) * n + at : at * k + stream_k0 + i;
            assign row_valid[i] = streaming && stream_k0 + i < k;
            assign row_data[i*BITS +: BITS] = TRANSPOSED != 0 ? b_mem[place] : a_mem[place];
            assign load_enable[i] = loading && index >= i;
        end
        for (i = 0; i < COLS; i = i + 1) begin : column
            wire [31:0] inner = load_k0 + load_used - 1 - index;
            wire [31:0] place = TRANSPOSED != 0 ? (load_n0 + i) * k + inner : inner * n + load_n0 + i;
            assign load_valid[i] = loading && load_n0 + i < across;
            assign load_data[i*BITS +: BITS] = TRANSPOSED != 0 ? a_mem[place] : b_mem[place];
            assign chain_valid[i] = streaming && stream_n0 + i < across;
            wire                  leaves;
            wire signed [ACC-1:0] finished;
            wire [SIZE-1:0]       entry;
            reg  signed [ACC-1:0] result [0:DEPTH-1];
            accumulator #(.ROWS(ROWS), .ACC(ACC), .WRAP(WRAP), .BANK(BANK), .SIZE(SIZE)) under (
                .clk(clk), .rst(start), .valid(bottom_valid[i]), .sum(bottom[i*ACC +: ACC]),
                .streamed(streamed), .inner(k), .turn(turn), .longer(longer), .waits(waits), .continues(continues),
                .drain(ended && !keeps), .over(bank_over[i]), .leaves(leaves), .finished(finished), .entry(entry),
                .empty(empty[i]), .clash(clash[i]));
            always @(posedge clk) if (leaves) result[entry] <= finished;
        end
    endgenerate

    array_ws #(.ROWS(ROWS), .COLS(COLS), .BITS(BITS), .ACC(ACC), .WRAP(WRAP), .HIDDEN(HIDDEN)) grid (
        .clk(clk), .rst(start), .row_data(row_data), .row_valid(row_valid), .row_first(streaming && row == 0),
        .load_enable(load_enable), .load_data(load_data), .load_valid(load_valid), .chain_valid(chain_valid),
        .bottom(bottom), .bottom_valid(bottom_valid), .over(over));

    // what is left to take: m * n sums from each of the ceil(k / ROWS) folds
    reg [31:0] pending, taken, lost, clashed;
    integer j;
    always @* begin
        taken = 0;
        lost = 0;
        clashed = 0;
        for (j = 0; j < COLS; j = j + 1) begin
            taken = taken + bottom_valid[j];
            lost = lost + bank_over[j];
            clashed = clashed + clash[j];
        end
        for (j = 0; j < ROWS * COLS; j = j + 1) lost = lost + over[j];
    end

    always @(posedge clk)
        if (start) begin
            done <= 1'b0;
            cycles <= 0;
            overflows <= 0;
            clashes <= 0;
            ended <= 1'b0;
            pending <= m * n * ((k + ROWS - 1) / ROWS);
        end else if (!done) begin
            pending <= pending - taken;
            overflows <= overflows + lost;
            clashes <= clashes + clashed;
            if (pending == taken) ended <= 1'b1;
            else cycles <= cycles + 1;
            if (ended && (keeps || &empty)) done <= 1'b1;
        end
endmodule
