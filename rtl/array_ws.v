// ROWS x COLS weight-stationary elements with skewed edges: row r of the operand enters r cycles after
// row 0, column c of the weights and of the sums' chains c cycles after column 0.
// The bottom is not deskewed: every column's accumulator counts its own sums.
module array_ws #(
    parameter ROWS = 4, parameter COLS = 4, parameter BITS = 8, parameter ACC = 32,
    parameter WRAP = 0, parameter HIDDEN = 1
) (
    input  wire                 clk,
    input  wire                 rst,
    input  wire [ROWS*BITS-1:0] row_data,
    input  wire [ROWS-1:0]      row_valid,
    input  wire                 row_first,      // first row of a fold
    input  wire [ROWS-1:0]      load_enable,    // not skewed by row: see sequencer_ws
    input  wire [COLS*BITS-1:0] load_data,
    input  wire [COLS-1:0]      load_valid,
    input  wire [COLS-1:0]      chain_valid,    // columns that start a sum from zero
    output wire [COLS*ACC-1:0]  bottom,
    output wire [COLS-1:0]      bottom_valid,
    output wire [ROWS*COLS-1:0] over
);
    // wire (r, c) is the left (h) or upper (v) input of element (r, c)
    wire [BITS-1:0] h_a      [0:ROWS*(COLS+1)-1];
    wire [2:0]      h_tags   [0:ROWS*(COLS+1)-1];   // valid, swap, enable
    wire [BITS-1:0] v_load   [0:(ROWS+1)*COLS-1];
    wire [ACC-1:0]  v_sum    [0:(ROWS+1)*COLS-1];
    wire [1:0]      v_valid  [0:(ROWS+1)*COLS-1];   // load, sum

    genvar r, c;
    generate
        for (r = 0; r < ROWS; r = r + 1) begin : left
            delay_line #(.WIDTH(BITS + 2), .DEPTH(r)) skew (
                .clk(clk), .rst(rst),
                .d({row_data[r*BITS +: BITS], row_valid[r], row_first}),
                .q({h_a[r*(COLS+1)], h_tags[r*(COLS+1)][2:1]}));
            assign h_tags[r*(COLS+1)][0] = load_enable[r];
        end
        for (c = 0; c < COLS; c = c + 1) begin : top
            delay_line #(.WIDTH(BITS + 2), .DEPTH(c)) skew (
                .clk(clk), .rst(rst),
                .d({load_data[c*BITS +: BITS], load_valid[c], chain_valid[c]}),
                .q({v_load[c], v_valid[c]}));
            assign v_sum[c] = {ACC{1'b0}};
            assign bottom[c*ACC +: ACC] = v_sum[ROWS*COLS + c];
            assign bottom_valid[c] = v_valid[ROWS*COLS + c][0];
        end
        for (r = 0; r < ROWS; r = r + 1) begin : row
            for (c = 0; c < COLS; c = c + 1) begin : col
                pe_ws #(.BITS(BITS), .ACC(ACC), .WRAP(WRAP), .HIDDEN(HIDDEN)) pe (
                    .clk(clk), .rst(rst),
                    .a_in(h_a[r*(COLS+1) + c]),
                    .a_valid_in(h_tags[r*(COLS+1) + c][2]),
                    .swap_in(h_tags[r*(COLS+1) + c][1]),
                    .enable_in(h_tags[r*(COLS+1) + c][0]),
                    .load_in(v_load[r*COLS + c]),
                    .load_valid_in(v_valid[r*COLS + c][1]),
                    .sum_in(v_sum[r*COLS + c]),
                    .sum_valid_in(v_valid[r*COLS + c][0]),
                    .a(h_a[r*(COLS+1) + c + 1]),
                    .a_valid(h_tags[r*(COLS+1) + c + 1][2]),
                    .swap(h_tags[r*(COLS+1) + c + 1][1]),
                    .enable(h_tags[r*(COLS+1) + c + 1][0]),
                    .load(v_load[(r+1)*COLS + c]),
                    .load_valid(v_valid[(r+1)*COLS + c][1]),
                    .sum(v_sum[(r+1)*COLS + c]),
                    .sum_valid(v_valid[(r+1)*COLS + c][0]),
                    .over(over[r*COLS + c]));
            end
        end
    endgenerate
endmodule
